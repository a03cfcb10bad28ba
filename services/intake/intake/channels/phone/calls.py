"""Calls: each event once, in any order; the tables then say the same whatever the order was."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from common.db import Row, Transaction
from common.events import CallChanged
from common.persian import parse_phone
from common.sealed import Sealer

from intake.channels.phone.schemas import AgentEventIn, CallEventIn
from intake.channels.phone.states import Moment
from intake.contact import occurrence
from intake.models import WAITING, CallMoment, table

Timed = TypeVar("Timed", CallEventIn, AgentEventIn)
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_GONE = ", ".join(f"'{moment}'" for moment in Moment if moment not in (Moment.JOINED, Moment.OFFERED))
_MERGE = f"""
INSERT INTO calls AS known (call_id, queue, caller, leg, agent, joined_at, last_joined_at, offered_at, answered_at,
                            abandoned_at, ended_at, gone_at, lost_at)
SELECT call_id,
       coalesce((array_agg(queue ORDER BY at DESC, queue DESC) FILTER (WHERE event = 'joined'))[1], max(queue)),
       max(caller), max(leg), max(agent) FILTER (WHERE event = 'answered'),
       min(at) FILTER (WHERE event = 'joined'), max(at) FILTER (WHERE event = 'joined'),
       min(at) FILTER (WHERE event = 'offered'), min(at) FILTER (WHERE event = 'answered'),
       min(at) FILTER (WHERE event = 'abandoned'), max(at) FILTER (WHERE event = 'ended'),
       max(at) FILTER (WHERE event IN ({_GONE})), min(at) FILTER (WHERE event = 'lost')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
     AS fresh (call_id, queue, caller, leg, agent, event, at)
GROUP BY call_id ORDER BY call_id
ON CONFLICT (call_id) DO UPDATE SET
    queue = CASE
        WHEN (coalesce(excluded.last_joined_at, '-infinity'), excluded.queue)
             > (coalesce(known.last_joined_at, known.joined_at, '-infinity'), known.queue)
        THEN excluded.queue ELSE known.queue END,
    caller = coalesce(known.caller, excluded.caller),
    leg = greatest(excluded.leg, known.leg),
    agent = greatest(excluded.agent, known.agent),
    joined_at = least(excluded.joined_at, known.joined_at),
    last_joined_at = greatest(excluded.last_joined_at, known.last_joined_at),
    offered_at = least(excluded.offered_at, known.offered_at),
    answered_at = least(excluded.answered_at, known.answered_at),
    abandoned_at = least(excluded.abandoned_at, known.abandoned_at),
    ended_at = greatest(excluded.ended_at, known.ended_at),
    gone_at = greatest(excluded.gone_at, known.gone_at),
    lost_at = least(excluded.lost_at, known.lost_at)
"""
_STILL_WAITING = f"SELECT call_id, queue FROM calls WHERE call_id = ANY ($1) AND {WAITING} ORDER BY call_id FOR UPDATE"
_WAITING_SINCE = f"""
SELECT call_id FROM calls WHERE {WAITING} AND coalesce(last_joined_at, joined_at) < $1 ORDER BY call_id LIMIT $2
"""


async def record_calls(events: Sequence[CallEventIn], tx: Transaction, *, now: datetime, sealer: Sealer) -> int:
    """Store the events that are new and publish them; how many were.

    The time that is told makes an event the same one, even where it is impossible and `now` stands for it.
    """
    once = {(e.call_id, e.event.value, _told(e.at)): e for e in events}
    rows: list[Row] = [
        {"call_id": call_id, "event": event, "at": at, "agent": e.agent} for (call_id, event, at), e in once.items()
    ]
    rows.sort(key=lambda row: (row["call_id"], row["at"], row["event"]))  # one order of locks for every writer
    inserted = await tx.insert(table(CallMoment), rows, then="ON CONFLICT DO NOTHING RETURNING call_id, event, at")
    fresh = [in_time(once[tuple(row)], now) for row in inserted]
    await _merge(fresh, tx, sealer)
    tx.publish(*_published(fresh))
    return len(fresh)


def in_time(event: Timed, now: datetime) -> Timed:
    """The event; of one whose time is impossible, as of now."""
    at, warned = occurrence(event.at, now)
    return event.model_copy(update={"at": at}) if warned else event


def _told(at: datetime) -> datetime:
    """A time that is told, as the table can hold it: the first and the last day of all have none of some zones."""
    return min(max(at, _FIRST), _LAST)


async def lose_calls(call_ids: Sequence[str], tx: Transaction, *, now: datetime, sealer: Sealer) -> int:
    """End as lost those of the calls that still wait; how many did."""
    waiting = await tx.fetch(_STILL_WAITING, list(call_ids))
    lost = [
        CallEventIn.model_construct(call_id=row["call_id"], queue=row["queue"], event=Moment.LOST, at=now)
        for row in waiting
    ]
    return await record_calls(lost, tx, now=now, sealer=sealer)


async def waiting_since(tx: Transaction, before: datetime, most: int = 500) -> list[str]:
    """Ids of calls that have waited since before a time."""
    return [row["call_id"] for row in await tx.fetch(_WAITING_SINCE, before, most)]


async def _merge(fresh: Sequence[CallEventIn], tx: Transaction, sealer: Sealer) -> None:
    if not fresh:
        return
    await tx.execute(
        _MERGE,
        [e.call_id for e in fresh],
        [e.queue for e in fresh],
        [_sealed(e.caller, sealer) for e in fresh],
        [e.leg for e in fresh],
        [e.agent for e in fresh],
        [e.event.value for e in fresh],
        [e.at for e in fresh],
    )


def _sealed(caller: str | None, sealer: Sealer) -> str | None:
    number = parse_phone(caller) if caller else None
    return sealer.seal(number.e164) if number else None


def _published(fresh: Iterable[CallEventIn]) -> Iterable[CallChanged]:
    for e in fresh:
        if (event := e.event.published) is not None:
            lost = e.event is Moment.LOST
            yield CallChanged(at=e.at, call_id=e.call_id, queue=e.queue, event=event, agent=e.agent, lost=lost)
