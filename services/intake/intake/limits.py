"""How much one client may send, so that a broken app or a flood does not take the others' place.

Token buckets in memory, each of them one moment: the one at which it will be full again. By citizen and by device,
never by address alone, for a whole office may have one. By channel, so that one channel leaves the others room.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from common import telemetry
from common.errors import Problem
from fastapi import Request

from intake.settings import Settings

MOST_CLIENTS = 100_000  # remembered a kind, some 27 MB; the one that was seen longest ago is forgotten
LONGEST_DEVICE = 128  # bytes of a name that count
CHANNEL = "channel"
DEVICE = {
    "name": "Device-Id",
    "in": "header",
    "required": False,
    "description": "an id that the app made for its device; requests of one device are counted together",
    "schema": {"type": "string", "maxLength": LONGEST_DEVICE},
}
SLACK = 0.01  # of a token; sums of floats are not exact


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and from then on so many a minute."""

    per_minute: float
    burst: float


class Buckets:
    """A bucket for each client of one kind."""

    def __init__(self, limit: Limit, *, most: int = MOST_CLIENTS) -> None:
        self._every = 60.0 / limit.per_minute  # seconds for a token
        self._room = (limit.burst - 1 + SLACK) * self._every
        self._most = most
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def wait(self, client: Hashable, now: float) -> float:
        """Seconds until the client has a token, 0 where it has one; `now` in seconds of any clock that never jumps."""
        return max(0.0, self._full_at.get(client, now) - self._room - now)

    def take(self, client: Hashable, now: float) -> None:
        """Take a token, which there is."""
        full_at = self._full_at.get(client, now)
        self._full_at[client] = (full_at if full_at > now else now) + self._every
        self._full_at.move_to_end(client)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)

    def __len__(self) -> int:
        return len(self._full_at)


class Limits:
    """The buckets of one process. Every refusal is a Problem 429 with `Retry-After`."""

    def __init__(self, *, citizen: Limit, device: Limit, channel: Limit) -> None:
        self._citizens = Buckets(citizen)
        self._devices = Buckets(device)
        self._channels = Buckets(channel)

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As they are set."""
        return cls(
            citizen=Limit(settings.citizen_per_minute, settings.citizen_burst),
            device=Limit(settings.device_per_minute, settings.device_burst),
            channel=Limit(settings.channel_per_minute, settings.channel_burst),
        )

    def admit(self, citizen: Hashable | None, device: bytes | None, now: float) -> None:
        """Count a request for its citizen and its device, or for neither: who has to wait loses nothing by it."""
        if citizen is not None and (wait := self._citizens.wait(citizen, now)):
            raise _too_many("citizen", wait)
        if device is not None:
            if wait := self._devices.wait(device, now):
                raise _too_many("device", wait)
            self._devices.take(device, now)
        if citizen is not None:
            self._citizens.take(citizen, now)

    def admit_to(self, channel: str, now: float) -> None:
        """Count a contact for its channel. What may be urgent is not asked: the others leave it their place."""
        if wait := self._channels.wait(channel, now):
            raise _too_many(CHANNEL, wait)
        self._channels.take(channel, now)


def _too_many(kind: str, wait: float) -> Problem:
    telemetry.LIMITED.add(1, {"limit": kind})
    seconds = math.ceil(wait)
    who = "This channel has" if kind == CHANNEL else f"This {kind} sends"
    detail = f"{who} too much at once; send the same request again in {seconds} s."
    return Problem(429, detail, headers={"Retry-After": str(seconds)})


def device_of(request: Request) -> bytes | None:
    """The header `Device-Id`, cut to what counts; read without building all headers."""
    for name, value in request.scope["headers"]:
        if name == b"device-id":
            return bytes(value[:LONGEST_DEVICE]) or None
    return None


def limits_of(request: Request) -> Limits:
    """The limits of the service that serves a request."""
    limits: Limits = request.app.state.limits
    return limits
