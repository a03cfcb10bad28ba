"""Callers who took another way, and contacts that became no message: their facts, in any order, and the figures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.db import Row, Transaction
from common.events import CallbackChanged, CallDeflected, ContactRecorded

from reporting.models import CallbackFact, ContactFact, Deflected, table
from reporting.queries import SHIFT

# Which way was taken counts in the shift of its call, and so do the callback and the message, whenever they came. No
# caller takes a day to choose: by that the index finds them.
_DEFLECTED = f"""
WITH near AS (
    SELECT call_id, way, coalesce(first_at, at) AS called_at, first_at IS NULL AS never_queued
    FROM deflections LEFT JOIN calls USING (call_id)
    WHERE at >= $1::timestamptz - interval '1 day' AND at < $2::timestamptz + interval '1 day'
), d AS (SELECT * FROM near WHERE called_at >= $1 AND called_at < $2), ends AS (
    SELECT call_id, bool_or(state = 'reached') AS reached, bool_or(state = 'closed') AS closed
    FROM callback_facts WHERE call_id IN (SELECT call_id FROM d) GROUP BY call_id
), written AS (
    SELECT call_id, count(*) AS messages FROM case_facts WHERE call_id IN (SELECT call_id FROM d) GROUP BY call_id
)
SELECT {SHIFT.format(moment="called_at")} AS key,
       count(*) FILTER (WHERE way = 'callback') AS callback,
       count(*) FILTER (WHERE way = 'link') AS link,
       count(*) FILTER (WHERE never_queued) AS never_queued,
       count(*) FILTER (WHERE way = 'link' AND messages > 0) AS links_followed,
       coalesce(sum(messages), 0)::int AS deflected_messages,
       count(*) FILTER (WHERE reached) AS callbacks_reached,
       count(*) FILTER (WHERE closed AND NOT reached) AS callbacks_closed
FROM d LEFT JOIN ends USING (call_id) LEFT JOIN written USING (call_id)
GROUP BY 1
"""
_CONTACTS = f"""
SELECT {SHIFT.format(moment="at")} AS key, channel, reason, call_id IS NOT NULL AS of_a_call, count(*) AS contacts
FROM contact_facts WHERE at >= $1 AND at < $2 GROUP BY 1, 2, 3, 4
"""


async def note_deflected(deflected: Sequence[CallDeflected], tx: Transaction) -> None:
    """Callers who took another way, each once."""
    rows = [
        {"call_id": d.call_id, "queue": d.queue, "way": d.to.value, "estimate_seconds": d.estimate_seconds, "at": d.at}
        for d in deflected
    ]
    await tx.insert(table(Deflected), rows, then="ON CONFLICT DO NOTHING")


async def note_callbacks(changed: Sequence[CallbackChanged], tx: Transaction) -> None:
    """Where callbacks came to; of a try that was given back and made again the first offer counts."""
    firsts: dict[tuple[str, str, int], datetime] = {}
    for c in changed:
        key = (c.call_id, c.state.value, c.attempt)
        firsts[key] = min(c.at, firsts.get(key, c.at))
    rows = [{"call_id": call, "state": state, "attempt": n, "at": at} for (call, state, n), at in firsts.items()]
    rows.sort(key=lambda row: str(row["call_id"]))  # one order of locks for every writer
    keep_first = "ON CONFLICT (call_id, state, attempt) DO UPDATE SET at = least(excluded.at, callback_facts.at)"
    await tx.insert(table(CallbackFact), rows, then=keep_first)


async def note_contacts(recorded: Sequence[ContactRecorded], tx: Transaction) -> None:
    """Contacts that became no message, each once."""
    rows: list[Row] = [
        {"id": r.id, "channel": r.channel.value, "platform": r.platform, "reason": r.reason.value}
        | {"code": r.code, "call_id": r.call_id, "at": r.at}
        for r in recorded
    ]
    await tx.insert(table(ContactFact), rows, then="ON CONFLICT DO NOTHING")


async def deflection_figures(start: datetime, end: datetime, tx: Transaction) -> dict[datetime, dict[str, Any]]:
    """What came of the callers in [start, end) who took another way, by shift."""
    return {row["key"]: dict(row) for row in await tx.fetch(_DEFLECTED, start, end)}


async def contact_figures(start: datetime, end: datetime, tx: Transaction) -> list[dict[str, Any]]:
    """Contacts without a message in [start, end), by shift, channel, reason and whether a call's."""
    return [dict(row) for row in await tx.fetch(_CONTACTS, start, end)]
