"""Noting the files of a message: rows in the caller's transaction; their bytes are fetched afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from common.auth import Caller
from common.db import Transaction
from common.sealed import Sealer
from uuid_utils.compat import uuid7

from intake.attachments.models import Attachment, State
from intake.conversation.heard import FileRef
from intake.models import table

MOST = 5  # files of a message
MOST_NOTED = 20  # rows of a message, those that were refused included
TOO_MANY = f"more than {MOST} files came with this message"

# Whoever adds files to a message waits here for who does so at the same time, so that positions are drawn once.
_TAKEN = """
SELECT (SELECT count(*) FROM attachments WHERE code = $1) FROM messages WHERE code = $1 FOR NO KEY UPDATE
"""
_FREE = (
    "SELECT id FROM attachments WHERE id = ANY($1::uuid[]) AND owner = $2 AND code IS NULL AND state = $3 FOR UPDATE"
)
_TIE = """
UPDATE attachments SET code = $1, position = n - 1
FROM unnest($2::uuid[]) WITH ORDINALITY AS mine (id, n) WHERE attachments.id = mine.id
"""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file to be fetched; the reference is ciphertext."""

    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class Files:
    """Notes files for whoever hears of them. `note` is what other channels call."""

    sealer: Sealer

    def seal(self, files: Sequence[FileRef]) -> tuple[SealedFile, ...]:
        """The references as they are stored: who holds one may get the file from its platform."""
        return tuple(SealedFile(file.kind.value, self.sealer.seal(file.reference)) for file in files[:MOST_NOTED])

    async def note(self, code: str, platform: str, files: Sequence[FileRef], tx: Transaction) -> int:
        """Add files to a message that is stored, in the caller's transaction; beyond five they are refused.

        How many it has by now, without those; 0 where none came.
        """
        if not files:
            return 0
        taken: int | None = await tx.fetchval(_TAKEN, code)
        if taken is None:
            raise LookupError(f"no message has the code {code}, so no file can be noted for it")
        room = self.seal(files)[: max(0, MOST_NOTED - taken)]
        await tx.insert(table(Attachment), rows(code, platform, room, first=taken))
        return min(MOST, taken + len(room))


def owner_of(caller: Caller, sealer: Sealer) -> str:
    """Whose an upload is: the keyed hash of the citizen, or of the app where its token names no citizen."""
    return sealer.lookup(f"app:{caller.citizen}" if caller.citizen else f"app by {caller.subject}")


def rows(code: str, platform: str, files: Sequence[SealedFile], *, first: int = 0) -> list[dict[str, Any]]:
    """Rows of files that came with a message, from the position `first` on."""
    now = datetime.now(UTC)
    return [_row(code, platform, file, n, now) for n, file in enumerate(files, first)]


def _row(code: str, platform: str, file: SealedFile, position: int, now: datetime) -> dict[str, Any]:
    fits = position < MOST
    return {
        "id": uuid7(),
        "code": code,
        "position": position,
        "platform": platform,
        "kind": file.kind,
        "reference": file.reference,
        "state": (State.WAITING if fits else State.REFUSED).value,
        "reason": None if fits else TOO_MANY,
        "tries": 0,
        "next_try_at": now,
        "created_at": now,
    }


async def untied(ids: Sequence[UUID], owner: str, tx: Transaction) -> set[UUID]:
    """Which of these uploads are there, the owner's, and free; they stay so until this transaction ends."""
    return {row["id"] for row in await tx.fetch(_FREE, ids, owner, State.STORED.value)}


async def tie(code: str, ids: Sequence[UUID], tx: Transaction) -> None:
    """Make uploads the attachments of a message."""
    await tx.execute(_TIE, code, ids)
