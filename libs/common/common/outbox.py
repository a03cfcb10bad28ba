"""The outbox: events stored in the transaction that made them true, until the relay has published them.

`outbox` holds an event for 14 days in day partitions and is never updated; `outbox_pending` is narrow, and the
relay deletes from it. An event's day is its UUIDv7's, so id and day always go together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
from sqlalchemy import BigInteger, Column, Date, DateTime, Identity, MetaData, Table, Text, Uuid

from common.events import Event

if TYPE_CHECKING:
    Driver = asyncpg.Connection[asyncpg.Record]
else:
    Driver = asyncpg.Connection  # generic in its stubs alone

KEEP_DAYS = 14
CHANNEL = "outbox"  # of LISTEN and NOTIFY

_STORE = """
WITH stored AS (
    INSERT INTO outbox (day, id, stream, key, name, at, traceparent, body)
    SELECT * FROM unnest($1::date[], $2::uuid[], $3::text[], $4::text[], $5::text[],
                         $6::timestamptz[], $7::text[], $8::text[])
)
INSERT INTO outbox_pending (day, id) SELECT * FROM unnest($1::date[], $2::uuid[]) RETURNING seq
"""
_PENDING = """
SELECT seq, id, stream, key, name, at, traceparent, body
FROM outbox_pending JOIN outbox USING (day, id) ORDER BY seq LIMIT $1
"""
_STRIKE = "DELETE FROM outbox_pending WHERE seq = ANY($1::bigint[])"
_REPUBLISH = "INSERT INTO outbox_pending (day, id) SELECT day, id FROM outbox WHERE at >= $1 ORDER BY id"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event that is stored and waits to be published; `seq` strikes it off."""

    seq: int
    id: UUID
    stream: str
    key: str
    name: str
    at: datetime
    traceparent: str | None
    body: str


def outbox_tables(metadata: MetaData) -> None:
    """Declare the two tables in a service's metadata."""
    Table(
        "outbox",
        metadata,
        Column("day", Date, primary_key=True),
        Column("id", Uuid, primary_key=True),
        Column("stream", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("traceparent", Text),
        Column("body", Text, nullable=False),
        postgresql_partition_by="RANGE (day)",
    )
    Table(
        "outbox_pending",
        metadata,
        Column("seq", BigInteger, Identity(), primary_key=True),
        Column("day", Date, nullable=False),
        Column("id", Uuid, nullable=False),
    )


def day_of(event_id: UUID) -> date:
    """The UTC day on which a UUIDv7 was made."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC).date()


async def store(
    connection: Driver,
    events: Sequence[Event],
    traceparents: Sequence[str | None],
) -> list[Outgoing]:
    """Write events in the caller's transaction; they are pending from its commit on."""
    bodies = [event.model_dump_json() for event in events]
    seqs = await connection.fetch(
        _STORE,
        [day_of(event.id) for event in events],
        [event.id for event in events],
        [event.stream.value for event in events],
        [event.key for event in events],
        [event.name for event in events],
        [event.at for event in events],
        traceparents,
        bodies,
    )
    return [
        Outgoing(row[0], event.id, event.stream.value, event.key, event.name, event.at, parent, body)
        for row, event, parent, body in zip(seqs, events, traceparents, bodies, strict=True)
    ]


async def pending(connection: Driver, limit: int) -> list[Outgoing]:
    """The oldest events that are not yet struck off, in order."""
    return [Outgoing(*row) for row in await connection.fetch(_PENDING, limit)]


async def strike(connection: Driver, published: Sequence[Outgoing]) -> None:
    """Take published events off the pending ones."""
    await connection.execute(_STRIKE, [row.seq for row in published])


async def republish(connection: Driver, since: datetime) -> int:
    """Make every event since a moment pending again; consumers' inboxes skip what they have seen."""
    status = await connection.execute(_REPUBLISH, since)
    return int(status.rsplit(" ", 1)[1])
