"""What a platform sent that we could not read: kept sealed for a fortnight, so that someone can look."""

from datetime import datetime

from common.db import Database
from common.persian import normalise
from common.sealed import Sealer

LONGEST_BODY = 64 * 1024  # bytes
LONGEST_REASON = 500
_KEEP = "INSERT INTO inspected (platform, body, size, reason, at) VALUES ($1, $2, $3, $4, $5)"


async def keep(database: Database, sealer: Sealer, platform: str, body: bytes, reason: str, now: datetime) -> None:
    """Store a payload that did not fit, sealed and at most 64 KiB of it; `reason` may hold no personal data."""
    text = body[:LONGEST_BODY].decode("utf-8", "backslashreplace")
    async with database.transaction() as tx:
        await tx.execute(_KEEP, platform, sealer.seal(text), len(body), normalise(reason)[:LONGEST_REASON], now)
