"""When a caller can be called back. Pure: half hours, and a share of what the operators at work can do in each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from common.calendar import TEHRAN, ShiftName, shift_of

SLOT = timedelta(minutes=30)
RETRIES = 0.9  # of the room is promised; one in four is not reached at once, and rings in vain for half a minute
MOST_SLOTS = 96  # looked at before a callback is refused: two days
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Working:
    """What callbacks may take of the operators: their number by shift, the share, and the hours (Tehran) in which a
    citizen may be rung up."""

    operators: Mapping[ShiftName, int]
    share: float
    service_seconds: float
    opens: time = time(8)
    closes: time = time(22)

    def open_at(self, moment: datetime) -> bool:
        """Whether a citizen may be rung up then."""
        return self.opens <= moment.astimezone(TEHRAN).time() < self.closes

    def capacity(self, slot: datetime) -> int:
        """How many can be promised in a half hour."""
        if not self.open_at(slot):
            return 0
        operators = self.operators.get(shift_of(slot).name, 0)
        return int(operators * self.share * RETRIES * SLOT.total_seconds() / self.service_seconds)

    def at_once(self, operators: int) -> int:
        """How many of the operators at work may call back at the same time; one at least, or nobody would."""
        return max(1, int(operators * self.share))


def slot_of(moment: datetime) -> datetime:
    """The half hour in which a moment falls, UTC."""
    return moment.astimezone(UTC) - (moment - _EPOCH) % SLOT


def plan(after: datetime, planned: Mapping[datetime, int], working: Working) -> datetime | None:
    """The earliest time with room, not before the caller's turn would have come; None when all is full.

    `planned` says how many are promised by slot. Within a slot the promises are spread evenly, in order.
    """
    slot = slot_of(after)
    for _ in range(MOST_SLOTS):
        room, taken = working.capacity(slot), planned.get(slot, 0)
        if taken < room:
            return max(after, slot + SLOT * (taken / room))
        slot += SLOT
    return None


def next_try(now: datetime, pause: timedelta, working: Working) -> datetime:
    """When one who was not reached is rung up again: after a pause, within the hours."""
    at = now + pause
    slots = (slot_of(at) + n * SLOT for n in range(1, MOST_SLOTS))
    return at if working.open_at(at) else next(filter(working.open_at, slots), at)
