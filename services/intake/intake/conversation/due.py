"""Beside the webhooks: accept what waited long enough, forget conversations that ended long ago."""

import asyncio
from datetime import UTC, datetime, timedelta

from common.db import Database
from common.errors import is_transient
from common.health import Pulse

from intake.conversation.storing import MOST_DUE, Storing

EVERY = 5.0  # seconds
KEEP = timedelta(days=30)  # after the citizen last wrote; a photo is late by an hour, some platforms' window is a day
_FORGET = """
DELETE FROM conversations WHERE key IN (
    SELECT key FROM conversations WHERE heard_at < $1 AND due_at IS NULL LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


async def accept_due(database: Database, storing: Storing, pulse: Pulse) -> None:
    """Look for as long as the service runs; a restart finds what fell due meanwhile."""
    while True:
        pulse.beat()
        try:
            if await accept_once(database, storing, datetime.now(UTC)) < MOST_DUE:
                await asyncio.sleep(EVERY)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(1)


async def accept_once(database: Database, storing: Storing, now: datetime) -> int:
    """What is due at this moment, at most two hundred; how many there were."""
    async with database.transaction() as tx:
        found = await storing.accept_due(tx, now)
        await tx.execute(_FORGET, now - KEEP)
    return found
