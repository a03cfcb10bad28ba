"""Deleting uploads that became no message's within a day. Bytes that another attachment shares stay.

Three steps, for the storage is asked outside of any transaction: the row says that its bytes are leaving, they are
deleted, the row goes. A crash between them is taken up by the next round.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from common.db import Database
from common.errors import is_transient
from common.health import Pulse

from intake.attachments.keeping import LOCK
from intake.attachments.models import State
from intake.attachments.storage import Storage

log = logging.getLogger(__name__)
EVERY = 60.0  # seconds
KEEP = timedelta(days=1)
BITE = 100

_OLD = "SELECT id FROM attachments WHERE code IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2"
_LOCKED = "SELECT sha256 FROM attachments WHERE id = $1 AND code IS NULL FOR UPDATE"
_SHARED = "SELECT EXISTS (SELECT FROM attachments WHERE sha256 = $1 AND id <> $2)"
_LEAVE = "UPDATE attachments SET state = $2 WHERE id = $1"
_DELETE = "DELETE FROM attachments WHERE id = $1"


@dataclass
class Sweeper:
    """Sweeps for as long as the service runs."""

    database: Database
    storage: Storage

    async def run(self, pulse: Pulse) -> None:
        """One round a minute, or at once where there is more."""
        while True:
            pulse.beat()
            try:
                gone = await self.turn(datetime.now(UTC), pulse)
                await asyncio.sleep(0 if gone == BITE else EVERY)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("uploads are not swept now: %r", error)
                await asyncio.sleep(EVERY)

    async def turn(self, now: datetime, pulse: Pulse) -> int:
        """Delete what is a day old; how many there were."""
        async with self.database.transaction() as tx:
            old = [row["id"] for row in await tx.fetch(_OLD, now - KEEP, BITE)]
        for upload in old:
            await self._delete(upload)
            pulse.beat()
        return len(old)

    async def _delete(self, upload: UUID) -> None:
        leaving = await self._let_go(upload)
        if leaving is None:
            return
        await self.storage.delete(leaving)
        async with self.database.transaction() as tx:
            await tx.execute(_DELETE, upload)

    async def _let_go(self, upload: UUID) -> str | None:
        """Delete a row whose bytes are nobody's or others' too; else the hash of what is to be deleted first."""
        async with self.database.transaction() as tx:
            sha256 = await tx.fetchval("SELECT sha256 FROM attachments WHERE id = $1", upload)
            if sha256 is not None:
                await tx.execute(LOCK, sha256)
            row = await tx.fetchrow(_LOCKED, upload)
            if row is None or row["sha256"] != sha256:
                return None  # sent, or written to, at this very moment
            if sha256 is None or await tx.fetchval(_SHARED, sha256, upload):
                await tx.execute(_DELETE, upload)
                return None
            await tx.execute(_LEAVE, upload, State.LEAVING.value)
        return str(sha256)
