"""From bytes to a stored attachment: examined, scanned, put into the storage; the row last.

The row is told the hash before the bytes are put, so that nobody deletes them as unused meanwhile; what a crash
leaves in the storage is put there again under the same name.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from common import telemetry
from common.db import Database

from intake.attachments.content import Content, examine
from intake.attachments.models import State
from intake.attachments.scanning import Scanner
from intake.attachments.storage import Storage
from intake.attachments.telling import tell_refused

LOCK = "SELECT pg_advisory_xact_lock(7203004, hashtext($1))"  # whoever names or deletes this content, one at a time
_LEAVING = "SELECT EXISTS (SELECT FROM attachments WHERE sha256 = $1 AND state = $2)"
_NAME = "UPDATE attachments SET sha256 = $2 WHERE id = $1 AND state = 'waiting'"
_STORED = """
UPDATE attachments SET state = $2, reason = NULL, media_type = $3, size = $4, lat = $5, lon = $6, taken_at = $7
WHERE id = $1 AND sha256 = $8
"""
_REFUSED = """
UPDATE attachments SET state = $2, reason = $3, sha256 = NULL WHERE id = $1 AND state = 'waiting' RETURNING code
"""


class Leaving(ConnectionError):
    """The same content is being deleted just now; it can be stored a moment later."""


@dataclass
class Keeper:
    """Stores what came; images are examined one at a time, in a thread, for each may take 330 MB and two seconds."""

    database: Database
    storage: Storage
    scanner: Scanner
    examine: Callable[[bytes], Content] = examine

    def __post_init__(self) -> None:
        self._one = asyncio.Semaphore(1)

    async def read(self, data: bytes) -> Content:
        """What is to be stored of the bytes; Refused with the reason."""
        await self.scanner.scan(data)
        async with self._one:
            return await asyncio.to_thread(self.examine, data)

    async def keep(self, attachment: UUID, content: Content) -> None:
        """Put the bytes into the storage, then say so in the row; a row that waits no longer stays as it is."""
        sha256, hints = content.sha256, content.hints
        async with self.database.transaction() as tx:
            await tx.execute(LOCK, sha256)
            if await tx.fetchval(_LEAVING, sha256, State.LEAVING.value):
                raise Leaving("the same content is being deleted; send it again")
            named = await tx.execute(_NAME, attachment, sha256)
        if named == "UPDATE 0":
            return
        await self.storage.put(sha256, content.data)
        facts = (content.media_type, len(content.data), hints.lat, hints.lon, hints.taken_at)
        async with self.database.transaction() as tx:
            await tx.execute(_STORED, attachment, State.STORED.value, *facts, sha256)
        telemetry.ATTACHMENTS.add(1, {"outcome": State.STORED.value})

    async def refuse(self, attachment: UUID, reason: str, state: State = State.REFUSED) -> None:
        """Say in the row why there will be no bytes, and of what was refused to who sent it with a message."""
        async with self.database.transaction() as tx:
            code = await tx.fetchval(_REFUSED, attachment, state.value, reason)
            if code is not None and state is State.REFUSED:
                await tell_refused(code, tx, datetime.now(UTC))
        telemetry.ATTACHMENTS.add(1, {"outcome": state.value})
