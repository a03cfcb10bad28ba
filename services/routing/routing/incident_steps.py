"""The life of an incident: what supervisors may do to it, and its end when all is calm."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from common.db import Database, Transaction
from common.errors import Problem, is_transient
from common.events import Told
from common.health import Pulse

from routing.baseline import Area, Baseline, Flow
from routing.incident_rows import (
    Kept,
    latest_seen,
    lock_families,
    open_incidents,
    store_incidents,
    store_watches,
    watches_of,
)
from routing.incidents import Incident, close, close_if_calm
from routing.models import Announcement, table

CLOSE_EVERY = 60.0  # seconds
LOCK = 7203008  # of pg_advisory_lock: one replica closes


class Action(StrEnum):
    """What a supervisor does."""

    CONFIRM = "confirm"
    CLOSE = "close"
    MERGE = "merge"
    ANNOUNCE = "announce"
    COMPLETE = "complete"


ALLOWED: Mapping[str, Mapping[Action, str]] = {
    "open": {
        Action.CONFIRM: "confirmed",
        Action.CLOSE: "closed",
        Action.ANNOUNCE: "open",
        Action.COMPLETE: "open",
    },
    "confirmed": {Action.CLOSE: "closed", Action.ANNOUNCE: "confirmed", Action.COMPLETE: "confirmed"},
    # A family has one open incident at most, so what can be merged into another is closed already.
    "closed": {Action.MERGE: "merged", Action.ANNOUNCE: "closed", Action.COMPLETE: "closed"},
    "merged": {},
}


@dataclass(frozen=True, slots=True)
class Said:
    """Who does something, when, and in which words."""

    by: str
    at: datetime
    note: str | None = None


async def find_incident(incident: UUID, tx: Transaction, *, lock: bool = False) -> Kept:
    """An incident, its family locked if it is to be changed; Problem 404 when there is none."""
    if lock:
        family = await tx.fetchval("SELECT family FROM incidents WHERE id = $1", incident)
        await lock_families(tx, [family] if family else [])
    row = await tx.fetchrow("SELECT * FROM incidents WHERE id = $1", incident)
    if row is None:
        raise Problem(404, "There is no such incident.")
    return Kept.of(row)


async def confirm(kept: Kept, said: Said, tx: Transaction) -> Kept:
    """A person has looked: it is one."""
    kept = after(kept, Action.CONFIRM, said)
    await store_incidents(tx, [kept])
    tx.publish(kept.changed(said.at, by=said.by))
    return kept


async def close_by_hand(kept: Kept, said: Said, baseline: Baseline, tx: Transaction) -> Kept:
    """It is over, or never was one; its watches begin anew, so that the same messages open no second one."""
    kept = after(kept, Action.CLOSE, said)
    ended = close(kept.incident, baseline, await latest_seen(tx, said.at))
    await store_watches(tx, ended.watches)
    kept = replace(kept, incident=ended.incidents[kept.incident.family])
    await store_incidents(tx, [kept])
    tx.publish(kept.closed(said.at, said.by))
    return kept


async def merge(kept: Kept, into: UUID, said: Said, tx: Transaction) -> Kept:
    """Give an incident's members, announcements and counts to another of its family; answers that other one.

    What either is still told is told to the members of both.
    """
    other = await find_incident(into, tx)
    kept = replace(after(kept, Action.MERGE, said, into=str(into)), merged_into=into)
    if other.id == kept.id or other.incident.family != kept.incident.family or other.state == "merged":
        raise Problem(409, "Merge into another incident of the same family that is not merged itself.")
    other = replace(other, incident=_together(kept.incident, other.incident), revision=other.revision + 1)
    await tx.execute("UPDATE announcements SET incident = $2 WHERE incident = $1", kept.id, into)
    await tx.execute(_TELL_AGAIN, into, None)
    await tx.execute(_MOVE_MEMBERS, kept.id, into)
    await tx.execute("UPDATE incidents SET merged_into = $2 WHERE merged_into = $1", kept.id, into)
    await store_incidents(tx, [kept, other])
    tx.publish(kept.changed(said.at, by=said.by), other.changed(said.at, by=said.by))
    return other


# Announcements are locked before members, as the loop that tells them does.
_MOVE_MEMBERS = """
UPDATE cases SET incident = $2
FROM (SELECT code FROM cases WHERE incident = $1 ORDER BY NOT urgent, code FOR UPDATE) AS locked
WHERE cases.code = locked.code
"""


# From the first member on, for a merge adds members before the one that was told last. Notify tells each member a
# number once; who was answered is open no more, so of those `reached` goes on.
_TELL_AGAIN = """
UPDATE announcements SET past_bulk = false, past_code = '', done_at = NULL,
                         reached = CASE told WHEN 'incident' THEN 0 ELSE reached END
WHERE incident = $1 AND (number = $2 OR ($2::int IS NULL AND done_at IS NULL))
"""


async def announce(kept: Kept, told: Told, said: Said, tx: Transaction) -> Kept:
    """Let all members be told, or answered, from now on; a loop does it. Words said before are news only to members
    that a merge brought since."""
    kept = after(kept, Action.COMPLETE if told is Told.DONE else Action.ANNOUNCE, said)
    before = await tx.fetchval(_SAID_BEFORE, kept.id, told.value, said.note) if told is Told.INCIDENT else None
    if before is not None:
        await tx.execute(_TELL_AGAIN, kept.id, before)
        return kept
    await store_incidents(tx, [kept])
    row = {"incident": kept.id, "told": told.value, "text": said.note or "", "by": said.by, "at": said.at}
    await tx.insert(table(Announcement), [row])
    return kept


_SAID_BEFORE = "SELECT max(number) FROM announcements WHERE incident = $1 AND told = $2 AND text = $3"


def after(kept: Kept, action: Action, said: Said, **more: str) -> Kept:
    """The incident after an action, which is noted; Problem 409 where its state does not allow it."""
    allowed = ALLOWED[kept.state]
    if action not in allowed:
        words = ", ".join(allowed) or "nothing"
        detail = f"An incident that is {kept.state} cannot {action}; allowed: {words}."
        raise Problem(409, detail, more={"allowed": list(allowed)})
    entry = {"at": said.at.isoformat(), "by": said.by, "step": action.value, "note": said.note} | more
    told = action in (Action.ANNOUNCE, Action.COMPLETE)  # not an event of the incident: nothing of it changed
    return replace(kept, state=allowed[action], said=[*kept.said, entry], revision=kept.revision + (0 if told else 1))


def _together(gone: Incident, stays: Incident) -> Incident:
    """One incident with the extent and the counts of both."""
    areas = dict.fromkeys([*stays.counts, *gone.counts])
    counts: dict[Area, int] = {area: stays.counts.get(area, 0) + gone.counts.get(area, 0) for area in areas}
    first_seen = min(stays.first_seen, gone.first_seen)
    return replace(stays, counts=counts, first_seen=first_seen, last_at=max(stays.last_at, gone.last_at))


async def keep_closing(database: Database, baseline: Baseline, pulse: Pulse) -> None:
    """Close what is calm, once a minute, for as long as the service runs."""
    while True:
        pulse.beat()
        try:
            await close_calm(database, baseline)
            await asyncio.sleep(CLOSE_EVERY)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(1)


async def close_calm(database: Database, baseline: Baseline) -> list[UUID]:
    """Close the incidents that are calm by the time of the latest message; those of this call."""
    async with database.transaction() as tx:
        if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
            return []
        rows = await tx.fetch("SELECT family FROM incidents WHERE closed_at IS NULL")
        families = [row["family"] for row in rows]
        await lock_families(tx, families)
        now = await latest_seen(tx, datetime.now(UTC))
        kept = (await open_incidents(tx, families)).values()
        return [one.id for one in kept if await _closed(one, baseline, now, tx)]


async def _closed(kept: Kept, baseline: Baseline, now: datetime, tx: Transaction) -> bool:
    flows = [Flow(kept.incident.family, area) for area in kept.incident.counts]
    ended = close_if_calm(kept.incident, await watches_of(tx, flows), baseline, now)
    if not ended.incidents:
        return False
    await store_watches(tx, ended.watches)
    incident = ended.incidents[kept.incident.family]
    kept = replace(kept, incident=incident, state="closed", revision=kept.revision + 1)
    await store_incidents(tx, [kept])
    tx.publish(kept.closed(now))
    return True
