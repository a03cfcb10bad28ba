"""Day partitions of outbox and inbox: made ahead, dropped when their time is over, never deleted from."""

import asyncio
import logging
from datetime import UTC, date, datetime, timedelta

from common import inbox, outbox
from common.db import Database, Transaction
from common.errors import is_transient

log = logging.getLogger(__name__)
AHEAD = 7
EVERY = 3600.0  # seconds

_KEEP = {"outbox": outbox.KEEP_DAYS, "inbox": inbox.KEEP_DAYS}
_CHILDREN = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relname = $1
"""
# Two replicas that start at once would both create; one at a time.
_LOCK = "SELECT pg_advisory_xact_lock(7203001)"


async def prepare_days(tx: Transaction, today: date) -> None:
    """Make the days ahead, and a default for ids of odd days; drop the days that are over."""
    await tx.execute(_LOCK)
    for table, keep in _KEEP.items():
        if await tx.fetchval("SELECT to_regclass($1)", table) is None:
            continue  # a service that publishes only has no inbox
        existing = {row[0] for row in await tx.fetch(_CHILDREN, table)}
        await _create(tx, table, today, existing)
        await _drop(tx, table, today - timedelta(days=keep), existing)


async def _create(tx: Transaction, table: str, today: date, existing: set[str]) -> None:
    if f"{table}_default" not in existing:
        await tx.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    days = [today + timedelta(days=ahead) for ahead in range(-1, AHEAD + 1)]
    # What was filed before its day was made, by a clock that ran ahead say, keeps that day in the default.
    odd = {row[0] for row in await tx.fetch(f"SELECT DISTINCT day FROM {table}_default WHERE day = ANY($1)", days)}
    for day in days:
        if day not in odd and (name := f"{table}_{day:%Y%m%d}") not in existing:
            until = day + timedelta(days=1)
            await tx.execute(f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{day}') TO ('{until}')")


async def _drop(tx: Transaction, table: str, before: date, existing: set[str]) -> None:
    for name in sorted(existing - {f"{table}_default"}):
        if name.removeprefix(f"{table}_") >= f"{before:%Y%m%d}":
            continue
        if table == "outbox" and await _holds_pending(tx, name):
            log.error("partition %s holds events that were never published; not dropped", name)
            continue
        await tx.execute(f"DROP TABLE {name}")


async def _holds_pending(tx: Transaction, name: str) -> bool:
    query = f"SELECT EXISTS (SELECT FROM outbox_pending p JOIN {name} o ON o.day = p.day AND o.id = ANY (p.ids))"
    return bool(await tx.fetchval(query))


async def keep_days(database: Database, prepared: asyncio.Event) -> None:
    """Look after the partitions for as long as the service runs; `prepared` is set when they are there."""
    while True:
        try:
            async with database.transaction() as tx:
                await prepare_days(tx, datetime.now(UTC).date())
            prepared.set()
            await asyncio.sleep(EVERY)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(0.5)
