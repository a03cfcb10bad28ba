"""Calls whose end nobody told: after a set time they are lost, so that a queue never counts ghosts."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from common.db import Database
from common.errors import is_transient
from common.health import Pulse
from common.sealed import Sealer

from intake.channels.phone.calls import lose_calls, waiting_since

log = logging.getLogger(__name__)
EVERY = 30.0  # seconds


async def sweep_lost(database: Database, sealer: Sealer, after: timedelta, pulse: Pulse) -> None:
    """Look for lost calls for as long as the service runs."""
    while True:
        pulse.beat()
        try:
            if lost := await lose_old(database, sealer, datetime.now(UTC), after):
                log.warning("%d calls are lost: they joined a queue and nobody told their end", lost)
        except Exception as error:
            if not is_transient(error):
                raise
        await asyncio.sleep(EVERY)


async def lose_old(database: Database, sealer: Sealer, now: datetime, after: timedelta) -> int:
    """End as lost what has waited for longer than `after`; how many calls."""
    async with database.transaction() as tx:
        old = await waiting_since(tx, now - after)
        return await lose_calls(old, tx, now=now, sealer=sealer)
