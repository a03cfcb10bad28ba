"""Uploads of the app: a place is asked for, the bytes are put there, a message names it; else it goes after a day."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from common.db import Database, Transaction
from common.errors import FieldError, Problem
from uuid_utils.compat import uuid7

from intake.attachments.content import LARGEST
from intake.attachments.keeping import Keeper
from intake.attachments.models import Attachment, State
from intake.attachments.types import Refused
from intake.conversation.heard import FileKind
from intake.models import table

SECONDS = 120.0  # for the bytes to come
MOST_UNTIED = 20  # uploads of a citizen that no message has named yet
_COUNT = "SELECT count(*) FROM attachments WHERE owner = $1 AND code IS NULL AND created_at > now() - interval '1 day'"
# As old as what nobody named in time: it counts no more, and the next sweep deletes it.
_LET_GO = """
UPDATE attachments SET created_at = created_at - interval '1 day' WHERE id = ANY($1::uuid[]) AND code IS NULL
"""
_KINDS = {"image": FileKind.PHOTO, "audio": FileKind.VOICE, "video": FileKind.VIDEO}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file: its media type, and bytes."""

    media_type: str
    size: int


async def open_place(owner: str, announced: Facts, tx: Transaction) -> UUID:
    """A place for one file; Problem 429 for who has many that wait for a message."""
    if await tx.fetchval(_COUNT, owner) >= MOST_UNTIED:
        detail = f"{MOST_UNTIED} uploads wait for a message already; send one that names them, or wait for a day."
        raise Problem(429, detail, headers={"Retry-After": "3600"})
    now, place = datetime.now(UTC), uuid7()
    row = {
        "id": place,
        "platform": "app",
        "owner": owner,
        "kind": _KINDS.get(announced.media_type.partition("/")[0], FileKind.DOCUMENT).value,
        "state": State.WAITING.value,
        "media_type": announced.media_type,
        "size": announced.size,
        "tries": 0,
        "next_try_at": now,
        "created_at": now,
    }
    await tx.insert(table(Attachment), [row])
    return place


@asynccontextmanager
async def for_a_message(places: Sequence[UUID], database: Database) -> AsyncIterator[None]:
    """What is stored for a message inside; where that fails no other will name it, and it is let go."""
    try:
        yield
    except Exception:  # whatever it was; it goes on to the caller
        async with database.transaction() as tx:
            await tx.execute(_LET_GO, list(places))
        raise


async def state_of(place: UUID, database: Database) -> Facts | None:
    """What is stored at a place, None while it waits; Problem 404 or 409 where nothing can be put there."""
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT code, state, reason, media_type, size FROM attachments WHERE id = $1", place)
    if row is None or row["state"] == State.LEAVING:
        raise Problem(404, "This upload is a day old and gone; ask for another place.")
    if row["state"] == State.REFUSED:
        raise Problem(409, f"What was put here was refused: {row['reason']}. Ask for another place.")
    return Facts(row["media_type"], row["size"]) if row["state"] == State.STORED else None


async def put(place: UUID, data: bytes, keeper: Keeper) -> Facts:
    """Store what was uploaded; Problem 422 with the reason for what is not taken."""
    try:
        content = await keeper.read(data)
    except Refused as refused:
        await keeper.refuse(place, str(refused))
        raise refusal(refused) from refused
    await keeper.keep(place, content)
    return Facts(content.media_type, len(content.data))


def refusal(refused: Refused, pointer: str = "") -> Problem:
    """422 with why the file is not taken."""
    return Problem(422, f"The file is not taken: {refused}.", [FieldError(pointer, str(refused))])


def too_slow() -> Problem:
    """408."""
    return Problem(408, f"The files did not come within {SECONDS:.0f} seconds; send them again.")


def too_large() -> Problem:
    """413."""
    return Problem(413, f"A file may have at most {LARGEST // 1024 // 1024} MB.")
