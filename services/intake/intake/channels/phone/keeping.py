"""What runs beside the callbacks: leases that ran out are given back, and what nobody has to make is closed."""

import asyncio
import logging
from datetime import UTC, datetime

from common.db import Database
from common.errors import is_transient
from common.health import Pulse

from intake.channels.phone.callbacks import close_answered, close_stale, give_back
from intake.channels.phone.ways import Ways

log = logging.getLogger(__name__)
EVERY = 5.0  # seconds


async def keep_callbacks(database: Database, ways: Ways, pulse: Pulse) -> None:
    """Look every few seconds, for as long as the service runs."""
    while True:
        pulse.beat()
        try:
            if closed := await keep_once(database, ways, datetime.now(UTC)):
                log.warning("%d callbacks were made by nobody, and are closed", closed)
        except Exception as error:
            if not is_transient(error):
                raise
        await asyncio.sleep(EVERY)


async def keep_once(database: Database, ways: Ways, now: datetime) -> int:
    """One look; how many callbacks were closed."""
    async with database.transaction() as tx:
        await give_back(now, tx)
        await close_answered(now, tx)
        return await close_stale(now, tx, ways=ways)
