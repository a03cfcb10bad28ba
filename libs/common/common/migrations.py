"""Alembic, the same for every service: `migrations/env.py` calls `run_migrations` with the service's metadata."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alembic import context
from sqlalchemy import Connection, MetaData, make_url, pool
from sqlalchemy.ext.asyncio import create_async_engine

# outbox_pending had a row for each event; it gets one for what a transaction stored.
PENDING_BY_PARCEL = (
    "ALTER TABLE outbox_pending ADD COLUMN ids uuid[]",
    "UPDATE outbox_pending SET ids = ARRAY[id]",
    "ALTER TABLE outbox_pending ALTER COLUMN ids SET NOT NULL, DROP COLUMN id",
)

_PARTITIONS = ("outbox_2", "outbox_default", "inbox_2", "inbox_default")


def run_migrations(metadata: MetaData) -> None:
    """Run what alembic was asked for against the service's database, one replica at a time."""
    address = context.config.attributes.get("database") or os.environ["PASOKH_DATABASE"]
    with ThreadPoolExecutor(1) as thread:  # alembic is synchronous, and its caller may have a loop running
        thread.submit(asyncio.run, _run(address, metadata)).result()


async def _run(address: str, metadata: MetaData) -> None:
    url = make_url(address).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(_migrate, metadata)
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7203003)")
    context.configure(connection=connection, target_metadata=metadata, include_name=_ours, compare_type=True)
    context.run_migrations()


def _ours(name: str | None, kind: str, parents: Any) -> bool:
    """Partitions of a day are the running service's business, not a migration's."""
    return kind != "table" or not (name or "").startswith(_PARTITIONS)
