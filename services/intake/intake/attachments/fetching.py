"""Fetching in the background what messages came with. A row is claimed by moving its next try into the future: who
dies with it loses nothing, for it is due again when that time has come."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from common import telemetry
from common.db import Database
from common.errors import is_transient
from common.health import Pulse
from common.sealed import Sealer, SealError

from intake.attachments.guard import Missing
from intake.attachments.keeping import Keeper
from intake.attachments.models import State
from intake.attachments.platforms import Platforms
from intake.attachments.types import Refused

log = logging.getLogger(__name__)

EVERY = 2.0  # seconds between looks while there is nothing to fetch
TOGETHER = 4  # files at a time
LEASE = timedelta(minutes=5)
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP = timedelta(days=1)

_CLAIM = """
UPDATE attachments SET tries = tries + 1, next_try_at = $1 + $2
WHERE id IN (
    SELECT id FROM attachments WHERE state = 'waiting' AND reference IS NOT NULL AND next_try_at <= $1
    ORDER BY next_try_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING id, platform, reference, tries, created_at
"""
_LATER = "UPDATE attachments SET next_try_at = $2, reason = $3 WHERE id = $1 AND state = 'waiting'"


@dataclass(frozen=True, slots=True)
class Due:
    """A file that was claimed."""

    id: UUID
    platform: str
    reference: str
    tries: int
    created_at: datetime


async def claim(database: Database, now: datetime) -> list[Due]:
    """Take what is due, for the time of the lease."""
    async with database.transaction() as tx:
        rows: Sequence[asyncpg.Record] = await tx.fetch(_CLAIM, now, LEASE, TOGETHER)
    return [Due(**row) for row in rows]


def next_try(due: Due, now: datetime) -> datetime | None:
    """When to try again; None when a day has passed."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(due.tries - 1, 12))
    return now + pause if now + pause < due.created_at + GIVE_UP else None


@dataclass
class Fetcher:
    """Fetches for as long as the service runs."""

    database: Database
    keeper: Keeper
    platforms: Platforms
    sealer: Sealer

    async def run(self, pulse: Pulse) -> None:
        """Look for what is due, and fetch it."""
        while True:
            pulse.beat()
            try:
                busy = await self.turn(datetime.now(UTC), pulse)
                await asyncio.sleep(0 if busy else EVERY)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(1)

    async def turn(self, now: datetime, pulse: Pulse) -> int:
        """One look; how many files it was about."""
        claimed = await claim(self.database, now)
        done = await asyncio.gather(*(self._fetch(due, now, pulse) for due in claimed), return_exceptions=True)
        for error in done:
            if isinstance(error, BaseException):  # the database is away: what was claimed is due again after the lease
                raise error
        return len(claimed)

    async def _fetch(self, due: Due, now: datetime, pulse: Pulse) -> None:
        try:
            data = await self.platforms.fetch(due.platform, self.sealer.open(due.reference))
            pulse.beat()
            content = await self.keeper.read(data)
            pulse.beat()
            await self.keeper.keep(due.id, content)
        except Refused as refused:
            await self.keeper.refuse(due.id, str(refused))
        except Missing as missing:
            await self.keeper.refuse(due.id, str(missing), State.GONE)
        except SealError:
            await self.keeper.refuse(due.id, "its reference was sealed with a key that is lost", State.GONE)
        except Exception as error:  # whatever one file does, the others are fetched
            await self._later(due, now, error)
        pulse.beat()

    async def _later(self, due: Due, now: datetime, error: Exception) -> None:
        passing = isinstance(error, ConnectionError)
        why = str(error) if passing else f"unexpected: {type(error).__name__}"
        log.warning("attachment %s waits: %s", due.id, why, exc_info=None if passing else error)
        again = next_try(due, now)
        if again is None:
            await self.keeper.refuse(due.id, f"not to be had within a day: {why}", State.GONE)
            return
        async with self.database.transaction() as tx:
            await tx.execute(_LATER, due.id, again, why)
        telemetry.ATTACHMENTS.add(1, {"outcome": "later"})
