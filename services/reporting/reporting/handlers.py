"""What reporting does with `activity.v1`. Every statement gives the same rows in any order and any number of times."""

from collections.abc import Sequence
from typing import Any

from common.consumer import Handlers
from common.db import Transaction
from common.events import (
    CallbackChanged,
    CallChanged,
    CallDeflected,
    CaseMoved,
    CaseOpened,
    ContactRecorded,
    DeadlinePassed,
    IncidentChanged,
    IncidentClosed,
    IncidentOpened,
    NotificationDelivered,
    NotificationFailed,
    NotificationSent,
)

from reporting.incidents import note_incidents
from reporting.models import CaseFact, DeadlineFact, MoveFact, table
from reporting.overflow import note_callbacks, note_contacts, note_deflected

_CALLS = """
INSERT INTO calls AS known (call_id, queue, first_at, joined_at, offered_at, answered_at, abandoned_at, ended_at)
SELECT call_id, max(queue), min(at),
       min(at) FILTER (WHERE event = 'joined'), min(at) FILTER (WHERE event = 'offered'),
       min(at) FILTER (WHERE event = 'answered'), min(at) FILTER (WHERE event = 'abandoned'),
       max(at) FILTER (WHERE event = 'ended')
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS fresh (call_id, queue, event, at)
GROUP BY call_id ORDER BY call_id
ON CONFLICT (call_id) DO UPDATE SET
    queue = greatest(excluded.queue, known.queue),
    first_at = least(excluded.first_at, known.first_at),
    joined_at = least(excluded.joined_at, known.joined_at),
    offered_at = least(excluded.offered_at, known.offered_at),
    answered_at = least(excluded.answered_at, known.answered_at),
    abandoned_at = least(excluded.abandoned_at, known.abandoned_at),
    ended_at = greatest(excluded.ended_at, known.ended_at)
"""
_NOTIFICATIONS = """
INSERT INTO notification_facts AS known (notification, code, told, means, {moment}, reason, parts)
SELECT DISTINCT ON (notification) * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                                                $6::text[], $7::int[]) AS fresh (notification)
ORDER BY notification, 5
ON CONFLICT (notification) DO UPDATE SET
    {moment} = least(excluded.{moment}, known.{moment}),
    reason = coalesce(known.reason, excluded.reason), parts = coalesce(known.parts, excluded.parts)
"""
_CASE = (
    *("code", "channel", "platform", "kind", "topic", "deputy", "unit", "level", "region", "urgent", "call_id"),
    *("occurred_at", "received_at", "deadline", "parent"),
)
_DEADLINE = ("code", "mark", "due_at", "revision", "unit", "escalated_to", "at")
_MOVE = (
    "code",
    "revision",
    "step",
    "status",
    "unit",
    "level",
    "topic",
    "at",
    "reason",
    "by",
    "channel",
    "parent",
    "stars",
    "deadline",
)


async def note_calls(changed: Sequence[CallChanged], tx: Transaction) -> None:
    """The moments of calls: the first of each kind counts, of the end the last."""
    columns = ([c.call_id for c in changed], [c.queue for c in changed], [c.event.value for c in changed])
    await tx.execute(_CALLS, *columns, [c.at for c in changed])


async def note_cases(opened: Sequence[CaseOpened], tx: Transaction) -> None:
    """Cases as they were opened."""
    rows = [{name: getattr(o, name) for name in _CASE} | {"opened_at": o.at} for o in opened]
    await tx.insert(table(CaseFact), rows, then="ON CONFLICT DO NOTHING")


async def note_moves(moved: Sequence[CaseMoved], tx: Transaction) -> None:
    """Steps of cases, each revision once."""
    rows = [{name: getattr(m, name) for name in _MOVE} for m in moved]
    await tx.insert(table(MoveFact), rows, then="ON CONFLICT DO NOTHING")


async def note_deadlines(passed: Sequence[DeadlinePassed], tx: Transaction) -> None:
    """What fell due, each moment of a case once."""
    rows = [{name: getattr(p, name) for name in _DEADLINE} for p in passed]
    await tx.insert(table(DeadlineFact), rows, then="ON CONFLICT DO NOTHING")


async def note_sent(sent: Sequence[NotificationSent], tx: Transaction) -> None:
    """SMS that the provider took over."""
    await _note("sent_at", sent, tx, parts=[s.parts for s in sent])


async def note_delivered(delivered: Sequence[NotificationDelivered], tx: Transaction) -> None:
    """SMS that reached their citizen."""
    await _note("delivered_at", delivered, tx)


async def note_failed(failed: Sequence[NotificationFailed], tx: Transaction) -> None:
    """SMS that were given up."""
    await _note("failed_at", failed, tx, reasons=[f.reason for f in failed])


async def _note(
    moment: str,
    events: Sequence[Any],
    tx: Transaction,
    *,
    reasons: Sequence[str] | None = None,
    parts: Sequence[int] | None = None,
) -> None:
    nothing = [None] * len(events)
    await tx.execute(
        _NOTIFICATIONS.format(moment=moment),
        [e.notification for e in events],
        [e.code for e in events],
        [e.told.value for e in events],
        [e.means for e in events],
        [e.at for e in events],
        reasons or nothing,
        parts or nothing,
    )


HANDLERS: Handlers = {
    CallChanged: note_calls,
    CallDeflected: note_deflected,
    CallbackChanged: note_callbacks,
    ContactRecorded: note_contacts,
    CaseOpened: note_cases,
    DeadlinePassed: note_deadlines,
    CaseMoved: note_moves,
    IncidentOpened: note_incidents,
    IncidentChanged: note_incidents,
    IncidentClosed: note_incidents,
    NotificationSent: note_sent,
    NotificationDelivered: note_delivered,
    NotificationFailed: note_failed,
}
