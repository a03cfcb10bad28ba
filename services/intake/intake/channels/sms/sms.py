"""SMS of citizens: heard at once, or held for a moment when one may be a part of a longer message.

What is held is stored before it is answered. The parts of a message are fixed in one transaction and heard after it,
under the first part's id, so that a crash between the two hears the same message again and counts it once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from common.db import Database, Row, Transaction
from common.idempotency import first_answers
from common.sealed import Sealer

from intake.channels.sms.parts import Part, fills_a_part, whole
from intake.channels.sms.schemas import ReceivedSms
from intake.conversation.heard import Heard
from intake.conversation.storing import counted_by, key_of

PLATFORM = "sms"
KEEP = timedelta(days=2)
MOST = 500  # messages heard in one go
_ONE = "SELECT pg_advisory_xact_lock(hashtext('sms_parts'))"  # two replicas would each see half of a message
_KNOWN = """
SELECT id, sender, first FROM sms_parts
WHERE id = ANY($1::text[]) OR (sender = ANY($2::text[]) AND heard_at IS NULL)
"""
_HOLD = """
INSERT INTO sms_parts (id, sender, number, text, received_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) ON CONFLICT DO NOTHING
"""
_OPEN = """
SELECT id, sender, text, received_at FROM sms_parts WHERE heard_at IS NULL AND first IS NULL
ORDER BY received_at LIMIT 5000
"""
_FIX = "UPDATE sms_parts SET first = $2 WHERE id = ANY($1::text[])"
_FIXED = """
SELECT id, first, number, text, received_at FROM sms_parts WHERE heard_at IS NULL AND first IN (
    SELECT DISTINCT first FROM sms_parts WHERE heard_at IS NULL AND first IS NOT NULL ORDER BY first LIMIT $1)
ORDER BY first, received_at, length(id), id
"""
_DONE = "UPDATE sms_parts SET heard_at = $2 WHERE first = ANY($1::text[]) AND heard_at IS NULL"
_FORGET = "DELETE FROM sms_parts WHERE heard_at < $1"


def heard_of(sms: ReceivedSms) -> Heard:
    """A short message as it stands; the number is the account that it is answered at."""
    return Heard(PLATFORM, sms.sender, sms.id, text=sms.text, at=sms.at, message=sms.id)


class Holding:
    """Holds back what may be a part of a longer message: the work of a group commit."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def hold(self, received: Sequence[ReceivedSms], tx: Transaction) -> list[bool]:
        """For each whether it is kept as a part, or was before; else it is to be heard as it is."""
        senders = [self._sealer.lookup(sms.sender) for sms in received]
        await tx.fetch(_ONE)
        rows = await tx.fetch(_KNOWN, [sms.id for sms in received], senders)
        known, waiting = {row["id"] for row in rows}, {row["sender"] for row in rows if row["first"] is None}
        if waiting or any(fills_a_part(sms.text) for sms in received):
            known |= await self._heard_before(received, tx)
        parts: list[tuple[ReceivedSms, str]] = []
        held = []
        for sms, sender in zip(received, senders, strict=True):
            is_part = sms.id not in known and (fills_a_part(sms.text) or sender in waiting)
            if is_part:
                waiting.add(sender)
                parts.append((sms, sender))
            held.append(is_part or sms.id in known)
        await self._keep(parts, tx)
        return held

    async def _heard_before(self, received: Sequence[ReceivedSms], tx: Transaction) -> set[str]:
        """Those that were no parts when they came first; sent again, they are none now."""
        keys = {counted_by(key_of(self._sealer, PLATFORM, sms.sender), sms.id): sms.id for sms in received}
        return {keys[key] for key in await first_answers(list(keys), tx)}

    async def _keep(self, parts: Sequence[tuple[ReceivedSms, str]], tx: Transaction) -> None:
        if not parts:
            return
        ids, senders = [sms.id for sms, _ in parts], [sender for _, sender in parts]
        numbers = [self._sealer.seal(sms.sender) for sms, _ in parts]
        texts = [sms.text.replace("\0", "") for sms, _ in parts]
        await tx.execute(_HOLD, ids, senders, numbers, texts, [datetime.now(UTC)] * len(parts))


async def join(database: Database, sealer: Sealer, now: datetime) -> list[Heard]:
    """Fix the parts of the messages that nothing more is waited for; all that is not yet marked as heard."""
    async with database.transaction() as tx:
        await tx.fetch(_ONE)
        rows = await tx.fetch(_OPEN)
        for parts in whole((Part(**dict(row)) for row in rows), now):
            await tx.execute(_FIX, [part.id for part in parts], parts[0].id)
        fixed = await tx.fetch(_FIXED, MOST)
    return [_joined([dict(row) for row in rows], sealer) for _, rows in groupby(fixed, key=lambda row: row["first"])]


async def done(database: Database, heard: Sequence[Heard], now: datetime) -> None:
    """Mark joined messages as heard, and forget what was two days ago."""
    async with database.transaction() as tx:
        await _mark(tx, [one.update for one in heard], now)


async def _mark(tx: Transaction, firsts: Sequence[str], now: datetime) -> None:
    if firsts:
        await tx.execute(_DONE, list(firsts), now)
    await tx.execute(_FORGET, now - KEEP)


def _joined(rows: Sequence[Row], sealer: Sealer) -> Heard:
    first, number = rows[0], sealer.readable(rows[0]["number"]) or ""  # key lost: accepted, not answered
    text = "".join(row["text"] for row in rows)
    return Heard(PLATFORM, number, first["id"], text=text, at=first["received_at"], message=first["id"])
