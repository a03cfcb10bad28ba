"""The inbox: ids of the events a service has handled, written in the transaction that handled them.

Day partitions by the id's own day, kept a day longer than the streams keep their records.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Column, Date, MetaData, Table, Uuid

from common.events import Event
from common.outbox import KEEP_DAYS as STREAM_DAYS
from common.outbox import Driver, day_of

KEEP_DAYS = STREAM_DAYS + 1
E = TypeVar("E", bound=Event)

_CLAIM = """
INSERT INTO inbox (day, id) SELECT * FROM unnest($1::date[], $2::uuid[])
ON CONFLICT DO NOTHING RETURNING id
"""
_RELEASE = """
DELETE FROM inbox USING unnest($1::date[], $2::uuid[]) AS gone (day, id)
WHERE inbox.day = gone.day AND inbox.id = gone.id
"""


def inbox_table(metadata: MetaData) -> None:
    """Declare the table in a service's metadata."""
    Table(
        "inbox",
        metadata,
        Column("day", Date, primary_key=True),
        Column("id", Uuid, primary_key=True),
        postgresql_partition_by="RANGE (day)",
    )


async def claim_unseen(connection: Driver, events: Sequence[E]) -> list[E]:
    """Those of the events that were not handled before, each once, in order; they now count as handled."""
    ids = {event.id: event for event in events}
    rows = await connection.fetch(_CLAIM, [day_of(event_id) for event_id in ids], list(ids))
    fresh = {row[0] for row in rows}
    return [event for event_id, event in ids.items() if event_id in fresh]


async def release(connection: Driver, ids: Iterable[UUID]) -> None:
    """Forget claims of this transaction, which leaves behind what rolling it back would: those events come again
    until their dead letters are acknowledged."""
    given = list(ids)
    if given:
        await connection.execute(_RELEASE, [day_of(event_id) for event_id in given], given)
