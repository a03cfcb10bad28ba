"""The topic catalogue, which is routing's: asked for rarely, by one at a time, and kept while routing is away."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import Problem

log = logging.getLogger(__name__)
FRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0  # after routing did not answer
Asks = Callable[[str], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Topic:
    """An entry of the catalogue, as far as citizens are shown it."""

    code: str
    title_fa: str
    title_en: str
    deputy: str
    deputy_fa: str
    unit: str  # who answers for it: a desk, or `refer-121` where it is another body's
    level: str
    urgent: bool
    sla_hours: int
    wants_place: bool = True
    wants_photo: bool = False
    shown: str = "exactly"  # where its cases are, to anybody: exactly, nearby or never

    @property
    def is_ours(self) -> bool:
        """Whether the city itself acts on it."""
        return self.deputy != "out-of-scope"


class Topics:
    """The catalogue as `get` gives it; `ask` gets a path of routing."""

    def __init__(self, ask: Asks, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._known: tuple[Topic, ...] = ()
        self._stale_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def get(self) -> tuple[Topic, ...]:
        """All topics, in the catalogue's order; Problem 503 only where routing never answered."""
        if self._clock() >= self._stale_at and self._asking is None:
            self._asking = asyncio.create_task(self._read())
        if not self._known and self._asking is not None:
            await asyncio.shield(self._asking)
        return self._known

    async def close(self) -> None:
        """End what is still asked."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _read(self) -> None:
        try:
            with self._kept():
                document = await self._ask("/v1/topics")
                self._known = tuple(_topic(item) for item in document["items"])
                self._stale_at = self._clock() + FRESH_SECONDS
        finally:
            self._asking = None

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """What was known stays, and is asked for again a little later; nothing known is the asker's problem."""
        try:
            yield
        except (Problem, KeyError, TypeError, ValueError) as error:
            if not self._known:
                raise
            self._stale_at = self._clock() + RETRY_SECONDS
            log.warning("the topics could not be read from routing: %r", error)


def _topic(item: Mapping[str, Any]) -> Topic:
    return Topic(**{name: item[name] for name in Topic.__slots__ if name in item})
