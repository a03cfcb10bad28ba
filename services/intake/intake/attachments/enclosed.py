"""What came with the messages of one group commit: noted with them, in their transaction."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from common.db import Transaction
from common.errors import FieldError, Problem

from intake.attachments import files
from intake.attachments.models import Attachment
from intake.contact import Contact
from intake.models import table

NOT_YOURS = "An upload of this message cannot be used; the message was not stored."
_WHY = "not one of your uploads, not there yet, a day old, or sent with another message"


async def refuse(fresh: Mapping[int, Contact], tx: Transaction) -> dict[int, Problem]:
    """Messages that name uploads which are not there, not their citizen's or not free; each is told which."""
    refused: dict[int, Problem] = {}
    used: set[UUID] = set()
    for n, contact in fresh.items():
        if not contact.uploads:
            continue
        free = await files.untied(contact.uploads, contact.owner or "", tx) - used
        bad = [at for at, upload in enumerate(contact.uploads) if upload not in free]
        if bad:
            refused[n] = Problem(422, NOT_YOURS, [FieldError(f"/attachments/{at}", _WHY) for at in bad])
        else:
            used.update(contact.uploads)
    return refused


async def note(stored: Iterable[Contact], tx: Transaction) -> None:
    """Rows of the files, and the uploads tied; no statement where nothing came with the messages."""
    rows = []
    for contact in stored:
        if contact.uploads:
            await files.tie(contact.event.code or "", contact.uploads, tx)
        if contact.files:
            came_by = contact.origin.platform or contact.origin.channel.value
            rows += files.rows(contact.event.code or "", came_by, contact.files, first=len(contact.uploads))
    await tx.insert(table(Attachment), rows)
