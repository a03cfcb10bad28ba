"""How many agents the half hours of a day need, by the calls of like days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from common.calendar import TEHRAN
from common.db import Transaction

from intake.channels.phone.erlang import EIGHTY_TWENTY, HALF_HOUR, NOBODY_OVER_180, Offered, agents_needed
from intake.channels.phone.estimate import patience, service_time

LIKE_DAYS = 4  # the same weekday of the weeks before
SLOTS = 48
_ARRIVALS = """
SELECT floor(extract(epoch FROM joined_at - $2::timestamptz) / 1800)::int AS slot, count(*) AS calls
FROM calls WHERE queue = $1 AND joined_at >= $2 AND joined_at < $3 GROUP BY 1
"""
_TIMES = """
SELECT coalesce(avg(extract(epoch FROM ended_at - answered_at)) FILTER (WHERE ended_at >= answered_at), 0)::float8
           AS service, count(*) FILTER (WHERE ended_at >= answered_at) AS handled,
       coalesce(sum(extract(epoch FROM coalesce(answered_at, abandoned_at) - joined_at)), 0)::float8 AS waits,
       count(*) FILTER (WHERE answered_at IS NULL) AS gave_up
FROM calls WHERE queue = $1 AND joined_at >= $2 AND joined_at < $3 AND coalesce(answered_at, abandoned_at) >= joined_at
"""


@dataclass(frozen=True, slots=True)
class History:
    """What like days were: calls by half hour, mean over the days that had any; seconds."""

    days: Sequence[date]
    calls: Mapping[int, float]
    service_seconds: float
    patience_seconds: float


@dataclass(frozen=True, slots=True)
class Need:
    """A half hour: its calls, and the agents at work (not on a break) that keep each promise.

    The first two take callers for endlessly patient, as is usual in planning; the last lets them give up.
    """

    begins: datetime
    calls: float
    for_80_20: int
    for_180: int
    for_180_with_patience: int


def needs(day: date, history: History) -> list[Need]:
    """Every half hour of a day."""
    return [
        _need(_start(day) + timedelta(seconds=n * HALF_HOUR), history.calls.get(n, 0.0), history) for n in range(SLOTS)
    ]


def _need(begins: datetime, calls: float, history: History) -> Need:
    endless = Offered(calls / HALF_HOUR, history.service_seconds)
    real = Offered(endless.calls_per_second, history.service_seconds, history.patience_seconds)
    return Need(
        begins,
        round(calls, 1),
        agents_needed(endless, EIGHTY_TWENTY),
        agents_needed(endless, NOBODY_OVER_180),
        agents_needed(real, NOBODY_OVER_180),
    )


async def history_of(queue: str, day: date, tx: Transaction) -> History:
    """The same weekday of the weeks before, as far as calls came in them."""
    counts: dict[date, dict[int, int]] = {}
    for week in range(1, LIKE_DAYS + 1):
        like = day - timedelta(weeks=week)
        rows = await tx.fetch(_ARRIVALS, queue, _start(like), _start(like + timedelta(days=1)))
        if rows:
            counts[like] = {row["slot"]: row["calls"] for row in rows}
    times = await tx.fetchrow(_TIMES, queue, _start(day - timedelta(weeks=LIKE_DAYS)), _start(day))
    assert times is not None
    mean = {n: sum(c.get(n, 0) for c in counts.values()) / len(counts) for n in range(SLOTS)} if counts else {}
    handled = [times["service"]] * min(times["handled"], 1000)
    return History(sorted(counts), mean, service_time(handled), patience(times["waits"], times["gave_up"]))


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), TEHRAN).astimezone(UTC)
