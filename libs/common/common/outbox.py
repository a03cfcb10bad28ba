"""The outbox: events stored in the transaction that made them true, until the relay has published them.

`outbox` holds an event for 14 days in day partitions and is never updated; `outbox_pending` is narrow, a row for what
one transaction stored, and the relay deletes from it. An event's day is its UUIDv7's, so id and day always go together.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, BigInteger, Column, Date, DateTime, Identity, MetaData, Table, Text, Uuid

from common.events import Event, Stream, UrgentMessageAmended

if TYPE_CHECKING:
    Driver = asyncpg.Connection[asyncpg.Record]
else:
    Driver = asyncpg.Connection  # generic in its stubs alone

KEEP_DAYS = 14
CHANNEL = "outbox"  # of LISTEN and NOTIFY
MOST_TOGETHER = 500  # events in one row of outbox_pending
AHEAD = Stream.URGENT.value  # its events are published before older ones of the other streams
IN_ORDER = UrgentMessageAmended.name  # but for this one, whose message may be in another stream and must come first

_STORE = f"""
WITH stored AS (
    INSERT INTO outbox (day, id, stream, key, name, at, traceparent, body)
    SELECT * FROM unnest($1::date[], $2::uuid[], $3::text[], $4::text[], $5::text[],
                         $6::timestamptz[], $7::text[], $8::text[])
)
INSERT INTO outbox_pending (day, ids)
SELECT day, array_agg(id ORDER BY n) FROM unnest($1::date[], $2::uuid[]) WITH ORDINALITY AS fresh (day, id, n)
GROUP BY day, (n - 1) / {MOST_TOGETHER} ORDER BY min(n) RETURNING seq
"""
_PENDING = """
SELECT seq, o.id, stream, key, name, at, traceparent, body
FROM (SELECT * FROM outbox_pending ORDER BY seq LIMIT $1) AS oldest
CROSS JOIN unnest(ids) WITH ORDINALITY AS one (id, n) LEFT JOIN outbox o ON o.day = oldest.day AND o.id = one.id
ORDER BY seq, n
"""
_PENDING_AHEAD = """
SELECT o.id, stream, key, name, at, traceparent, body
FROM outbox_pending p CROSS JOIN unnest(ids) AS one (id) JOIN outbox o ON o.day = p.day AND o.id = one.id
WHERE stream = $1 AND name <> $4 AND o.id <> ALL($2::uuid[]) ORDER BY o.id LIMIT $3
"""
_STRIKE = "DELETE FROM outbox_pending WHERE seq = ANY($1::bigint[])"
_REPUBLISH = f"""
WITH again AS (SELECT day, id, row_number() OVER (PARTITION BY day ORDER BY id) - 1 AS n FROM outbox
               WHERE day >= $1 AND id >= $2),
pending AS (
    INSERT INTO outbox_pending (day, ids) SELECT day, array_agg(id ORDER BY n) FROM again
    GROUP BY day, n / {MOST_TOGETHER} ORDER BY day, min(n) RETURNING cardinality(ids) AS events
)
SELECT coalesce(sum(events), 0) FROM pending
"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event that is stored and waits to be published."""

    id: UUID
    stream: str
    key: str
    name: str
    at: datetime
    traceparent: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """Events that were stored together, in order, and are struck off together by `seqs`."""

    seqs: Sequence[int]
    events: Sequence[Outgoing]


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
        Column("ids", ARRAY(Uuid), nullable=False),
    )


def day_of(event_id: UUID) -> date:
    """The UTC day on which a UUIDv7 was made."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC).date()


async def store(connection: Driver, events: Sequence[Event], traceparents: Sequence[str | None]) -> Parcel:
    """Write events in the caller's transaction; they are pending from its commit on."""
    outgoing = [
        Outgoing(e.id, e.stream.value, e.key, e.name, e.at, parent, e.model_dump_json())
        for e, parent in zip(events, traceparents, strict=True)
    ]
    columns = ([getattr(one, name) for one in outgoing] for name in Outgoing.__slots__)
    seqs = await connection.fetch(_STORE, [day_of(one.id) for one in outgoing], *columns)
    return Parcel([row[0] for row in seqs], outgoing)


async def pending(connection: Driver, limit: int) -> list[Parcel]:
    """The oldest that is not yet struck off, in order, at most `limit` parcels."""
    parcels: dict[int, list[Outgoing]] = {}
    for seq, *event in await connection.fetch(_PENDING, limit):
        events = parcels.setdefault(seq, [])
        if event[0] is not None:  # else its day's partition is gone, and nothing can be published: it is struck off
            events.append(Outgoing(*event))
    return [Parcel([seq], events) for seq, events in parcels.items()]


async def pending_ahead(connection: Driver, limit: int, *, but: Collection[UUID]) -> list[Outgoing]:
    """What is not yet struck off of the stream that goes ahead, `but` for these; oldest first, at most `limit`."""
    return [Outgoing(*event) for event in await connection.fetch(_PENDING_AHEAD, AHEAD, list(but), limit, IN_ORDER)]


def going_ahead(parcel: Parcel) -> dict[UUID, Outgoing]:
    """By id, the events of a parcel that go ahead of it."""
    return {event.id: event for event in parcel.events if event.stream == AHEAD and event.name != IN_ORDER}


async def notify(connection: Driver, committed: Parcel) -> None:
    """Tell the replica that publishes; it is told more when something goes ahead."""
    await connection.execute(f"NOTIFY {CHANNEL}, '{AHEAD}'" if going_ahead(committed) else f"NOTIFY {CHANNEL}")


async def strike(connection: Driver, published: Sequence[Parcel]) -> None:
    """Take what was published off the pending ones."""
    await connection.execute(_STRIKE, [seq for parcel in published for seq in parcel.seqs])


async def republish(connection: Driver, since: datetime) -> int:
    """Make every event that was stored since a moment pending again, whenever it happened; consumers' inboxes skip
    what they have seen."""
    first = UUID(int=max(0, int(since.timestamp() * 1000)) << 80)  # of the UUIDv7 made since then
    return int(await connection.fetchval(_REPUBLISH, day_of(first), first))
