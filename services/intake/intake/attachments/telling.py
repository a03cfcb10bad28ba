"""Telling a citizen that a file of theirs was refused: once a message, on the way that they came by."""

from datetime import datetime

from common.db import Transaction
from common.events import Channel, Prompt, PromptRequested, SealedAddress

# Of several files of a message that are refused at the same time the first to write this row is told of.
_FIRST = """
UPDATE messages SET refusal_told_at = $2 WHERE code = $1 AND account IS NOT NULL AND refusal_told_at IS NULL
RETURNING channel, platform, phone, phone_lookup, name, sms, account, account_lookup
"""


async def tell_refused(code: str, tx: Transaction, now: datetime) -> None:
    """Say so to who sent the message, unless they were told before or came by no account."""
    row = await tx.fetchrow(_FIRST, code, now)
    if row is None:
        return
    prompt = PromptRequested(
        at=now,
        prompt=Prompt.ATTACHMENT_REFUSED,
        channel=Channel(row["channel"]),
        platform=row["platform"],
        reply_to=SealedAddress(**{name: row[name] for name in SealedAddress.model_fields}),
    )
    tx.publish(prompt)
