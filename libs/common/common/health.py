"""Health: whether the loops turn, and whether this service can do its own work."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

STILL = 90.0  # seconds without a beat after which a loop counts as hung


@dataclass
class Pulse:
    """One loop's sign of life."""

    name: str
    last: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """The loop turned."""
        self.last = time.monotonic()


@dataclass
class Health:
    """What `/livez` and `/readyz` answer. Neither asks a neighbour."""

    pulses: list[Pulse] = field(default_factory=list)
    ready_checks: list[Callable[[], Awaitable[str | None]]] = field(default_factory=list)
    stopping: bool = False  # set on SIGTERM, before the server waits for its requests: streams end by it

    def pulse(self, name: str) -> Pulse:
        """A new loop to watch."""
        pulse = Pulse(name)
        self.pulses.append(pulse)
        return pulse

    def hung(self) -> list[str]:
        """Names of the loops that stopped turning."""
        now = time.monotonic()
        return [pulse.name for pulse in self.pulses if now - pulse.last > STILL]

    async def reasons(self) -> list[str]:
        """Why this service cannot do its work; empty when it can."""
        answers = [await check() for check in self.ready_checks]
        return [reason for reason in answers if reason]
