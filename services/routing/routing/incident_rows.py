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
from common.db import Row, Transaction
from common.events import IncidentChanged, IncidentClosed, IncidentOpened
from uuid_utils.compat import uuid7

from routing.baseline import Flow
from routing.incidents import Incident, Known
from routing.models import IncidentRow, table
from routing.surge import Watch

LOCK = 7203007  # of pg_advisory_lock, with a family's number
_LOCKED = "SELECT pg_advisory_xact_lock($1, n) FROM unnest($2::int[]) AS n"
# One document each way: hundreds of flows as arrays, or row by row, cost this process twice as much.
_WATCHES = """
SELECT coalesce(json_agg(json_build_array(family, area, state)), '[]')::text
FROM unnest($1::text[], $2::text[]) AS asked (family, area) JOIN watches USING (family, area)
"""
_STORE_WATCHES = """
INSERT INTO watches (family, area, at, state)
SELECT one->>0, one->>1, (one->2->>'at')::timestamptz, one->2 FROM jsonb_array_elements($1::jsonb) AS one
ON CONFLICT (family, area) DO UPDATE SET at = excluded.at, state = excluded.state
"""
_OPEN = "SELECT * FROM incidents WHERE closed_at IS NULL AND family = ANY($1::text[])"
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
    found = await tx.fetchval(_WATCHES, [family for family, _ in asked], [area for _, area in asked])
    return {asked[family, area]: Watch.from_dict(state) for family, area, state in orjson.loads(found)}


async def open_incidents(tx: Transaction, families: Iterable[str]) -> dict[str, Kept]:
    """The open incident of those families that have one."""
    return {row["family"]: Kept.of(row) for row in await tx.fetch(_OPEN, list(families))}


async def latest_seen(tx: Transaction, otherwise: datetime) -> datetime:
    """The time of the latest message that was folded in."""
    seen: datetime | None = await tx.fetchval("SELECT max(at) FROM watches")
    return seen or otherwise


async def store_watches(tx: Transaction, watches: Mapping[Flow, Watch]) -> None:
    """Write watches, in one statement."""
    rows = [(flow.family, str(flow.area), watch) for flow, watch in watches.items()]
    await tx.execute(_STORE_WATCHES, orjson.dumps(rows).decode())  # a watch as its `as_dict`


async def store_incidents(tx: Transaction, incidents: Iterable[Kept]) -> None:
    """Write incidents, new or changed, in one statement."""
    await tx.insert(table(IncidentRow), [_row(kept) for kept in incidents], then=_CHANGED)


def _row(kept: Kept) -> Row:
    incident = kept.incident
    return {
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


def with_incidents(watches: Mapping[Flow, Watch], kept: Mapping[str, Kept]) -> Known:
    """What `incidents.fold` looks at."""
    return Known(watches, {family: one.incident for family, one in kept.items()})
