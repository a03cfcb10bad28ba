"""Calls: each event once, in any order; the queue's state is what the table says, so a restart forgets nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from common.db import Row, Transaction
from common.events import CallChanged
from common.persian import parse_phone
from common.sealed import Sealer

from intake.channels.phone.schemas import CallEventIn, QueueState
from intake.models import CallMoment, table

# Whether a caller waits: the last joining came after all that took the caller out of the queue (a call may join again,
# when an agent hands it on). Written once: the index of `calls` has the same words.
WAITING = (
    "coalesce(last_joined_at, joined_at) IS NOT NULL AND "
    "greatest(gone_at, answered_at, abandoned_at, ended_at) >= coalesce(last_joined_at, joined_at) IS NOT TRUE"
)
_MERGE = """
INSERT INTO calls AS known (call_id, queue, caller, agent, joined_at, offered_at, answered_at, abandoned_at, ended_at)
SELECT call_id, max(queue), max(caller), max(agent),
       min(at) FILTER (WHERE event = 'joined'), min(at) FILTER (WHERE event = 'offered'),
       min(at) FILTER (WHERE event = 'answered'), min(at) FILTER (WHERE event = 'abandoned'),
       max(at) FILTER (WHERE event = 'ended')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
     AS fresh (call_id, queue, caller, agent, event, at)
GROUP BY call_id ORDER BY call_id
ON CONFLICT (call_id) DO UPDATE SET
    caller = coalesce(excluded.caller, known.caller),
    agent = coalesce(excluded.agent, known.agent),
    joined_at = least(excluded.joined_at, known.joined_at),
    offered_at = least(excluded.offered_at, known.offered_at),
    answered_at = least(excluded.answered_at, known.answered_at),
    abandoned_at = least(excluded.abandoned_at, known.abandoned_at),
    ended_at = greatest(excluded.ended_at, known.ended_at)
"""
_QUEUES = """
SELECT queue, count(*) AS waiting, extract(epoch FROM $1 - min(joined_at))::float8 AS longest
FROM calls
WHERE joined_at BETWEEN $1 - interval '2 hours' AND $1
  AND answered_at IS NULL AND abandoned_at IS NULL AND ended_at IS NULL
GROUP BY queue ORDER BY queue
"""


async def record_calls(events: Sequence[CallEventIn], tx: Transaction, *, sealer: Sealer) -> int:
    """Store the events that are new and publish them; how many were."""
    once = {(e.call_id, e.event.value, e.at): e for e in events}
    rows: list[Row] = [
        {"call_id": e.call_id, "event": e.event.value, "at": e.at, "agent": e.agent} for e in once.values()
    ]
    rows.sort(key=lambda row: (row["call_id"], row["at"]))  # one order of locks for every writer
    inserted = await tx.insert(table(CallMoment), rows, then="ON CONFLICT DO NOTHING RETURNING call_id, event, at")
    fresh = [once[tuple(row)] for row in inserted]
    await _merge(fresh, tx, sealer)
    tx.publish(*_published(fresh))
    return len(fresh)


async def _merge(fresh: Sequence[CallEventIn], tx: Transaction, sealer: Sealer) -> None:
    if not fresh:
        return
    await tx.execute(
        _MERGE,
        [e.call_id for e in fresh],
        [e.queue for e in fresh],
        [_sealed(e.caller, sealer) for e in fresh],
        [e.agent for e in fresh],
        [e.event.value for e in fresh],
        [e.at for e in fresh],
    )


def _sealed(caller: str | None, sealer: Sealer) -> str | None:
    number = parse_phone(caller) if caller else None
    return sealer.seal(number.e164) if number else None


def _published(fresh: Iterable[CallEventIn]) -> Iterable[CallChanged]:
    for e in fresh:
        yield CallChanged(at=e.at, call_id=e.call_id, queue=e.queue, event=e.event, agent=e.agent)


async def queues(tx: Transaction, now: datetime) -> list[QueueState]:
    """Who waits now, by queue; a call that joined over two hours ago lost its end somewhere."""
    rows = await tx.fetch(_QUEUES, now)
    return [QueueState(queue=r["queue"], waiting=r["waiting"], longest_wait_seconds=r["longest"]) for r in rows]
