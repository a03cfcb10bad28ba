"""Watches and incidents in the database.

Whoever reads them to change them holds the lock of their family until the transaction ends, so that a family has one
writer at a time, also for rows that do not exist yet, and two replicas never open the same incident twice. Families
are locked before any case is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson
from asyncpg import Record
from common.db import Transaction
from common.events import IncidentChanged, IncidentClosed, IncidentOpened
from uuid_utils.compat import uuid7

from routing.baseline import Flow
from routing.incidents import Incident, Known
from routing.models import IncidentRow, WatchRow, table
from routing.surge import Watch

LOCK = 7203007  # of pg_advisory_lock, with a family's number
_LOCKED = "SELECT pg_advisory_xact_lock($1, n) FROM unnest($2::int[]) AS n"
_WATCHES = """
SELECT family, area, state FROM unnest($1::text[], $2::text[]) AS asked (family, area)
JOIN watches USING (family, area)
"""
_OPEN = "SELECT * FROM incidents WHERE closed_at IS NULL AND family = ANY($1::text[])"
_NEWEST = "ON CONFLICT (family, area) DO UPDATE SET at = excluded.at, state = excluded.state"
_CHANGED = "ON CONFLICT (id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}"
    for name in ("revision", "state", "extent", "messages", "first_seen", "closed_at", "merged_into", "said")
)


@dataclass(frozen=True, slots=True)
class Kept:
    """An incident as it is kept: who it is, what staff did to it, and its extent."""

    incident: Incident
    id: UUID = field(default_factory=uuid7)
    revision: int = 0
    state: str = "open"
    merged_into: UUID | None = None
    said: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, row: Record) -> "Kept":
        """From its row."""
        extent = Incident.from_dict(row["extent"])
        return cls(extent, row["id"], row["revision"], row["state"], row["merged_into"], tuple(row["said"]))

    def opened(self, codes: Iterable[str]) -> IncidentOpened:
        """The event of its opening, with its first members."""
        seen = self.incident.first_seen
        return IncidentOpened(at=self.incident.opened_at, first_seen=seen, codes=tuple(codes), **self._extent())

    def changed(self, at: datetime, *, codes: Iterable[str] = (), by: str | None = None) -> IncidentChanged:
        """The event of a change, with new members."""
        into = self.merged_into
        return IncidentChanged(at=at, state=self.state, merged_into=into, by=by, codes=tuple(codes), **self._extent())

    def closed(self, at: datetime, by: str | None = None) -> IncidentClosed:
        """The event of its end."""
        return IncidentClosed(at=at, by=by, **self._extent())

    def _extent(self) -> dict[str, Any]:
        incident = self.incident
        nahiye = tuple(map(str, incident.nahiye))
        named = {"incident": self.id, "revision": self.revision, "family": incident.family}
        return named | {"regions": incident.regions, "nahiye": nahiye}


async def lock_families(tx: Transaction, families: Iterable[str]) -> None:
    """Be the only one who changes these families until the transaction ends."""
    await tx.execute(_LOCKED, LOCK, sorted({crc32(family.encode()) - 2**31 for family in families}))


async def watches_of(tx: Transaction, flows: Iterable[Flow]) -> dict[Flow, Watch]:
    """The watches of those flows that have one."""
    asked = {(flow.family, str(flow.area)): flow for flow in flows}
    rows = await tx.fetch(_WATCHES, [family for family, _ in asked], [area for _, area in asked])
    return {asked[row["family"], row["area"]]: Watch.from_dict(row["state"]) for row in rows}


async def open_incidents(tx: Transaction, families: Iterable[str]) -> dict[str, Kept]:
    """The open incident of those families that have one."""
    return {row["family"]: Kept.of(row) for row in await tx.fetch(_OPEN, list(families))}


async def latest_seen(tx: Transaction, otherwise: datetime) -> datetime:
    """The time of the latest message that was folded in."""
    seen: datetime | None = await tx.fetchval("SELECT max(at) FROM watches")
    return seen or otherwise


async def store_watches(tx: Transaction, watches: Mapping[Flow, Watch]) -> None:
    """Write watches, in one statement."""
    rows = [
        {
            "family": flow.family,
            "area": str(flow.area),
            "at": watch.at,
            "state": orjson.dumps(watch.as_dict()).decode(),
        }
        for flow, watch in watches.items()
    ]
    await tx.insert(table(WatchRow), rows, then=_NEWEST)


async def store_incident(tx: Transaction, kept: Kept) -> None:
    """Write an incident, new or changed."""
    incident = kept.incident
    row = {
        "id": kept.id,
        "revision": kept.revision,
        "family": incident.family,
        "state": kept.state,
        "extent": orjson.dumps(incident.as_dict()).decode(),
        "messages": incident.count,
        "first_seen": incident.first_seen,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "merged_into": kept.merged_into,
        "said": orjson.dumps(list(kept.said)).decode(),
    }
    await tx.insert(table(IncidentRow), [row], then=_CHANGED)


def with_incidents(watches: Mapping[Flow, Watch], kept: Mapping[str, Kept]) -> Known:
    """What `incidents.fold` looks at."""
    return Known(watches, {family: one.incident for family, one in kept.items()})
