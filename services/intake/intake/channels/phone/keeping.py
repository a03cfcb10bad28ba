"""What runs beside the callbacks: leases that ran out are given back, what nobody has to make is closed, and what is
over for a month is forgotten. Reports have it from the events; here it would be telephone numbers without a use."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from common.db import Database
from common.errors import is_transient
from common.health import Pulse

from intake.channels.phone.callbacks import close_answered, close_stale, give_back
from intake.channels.phone.ways import Ways

log = logging.getLogger(__name__)
EVERY = 5.0  # seconds
KEEP = timedelta(days=30)  # after the call
BITE = 1000  # rows a look
_FORGET = (
    f"""DELETE FROM decisions WHERE call_id IN (
        SELECT call_id FROM decisions WHERE asked_at < $1 ORDER BY asked_at LIMIT {BITE} FOR UPDATE SKIP LOCKED)""",
    f"""DELETE FROM callbacks WHERE call_id IN (
        SELECT call_id FROM callbacks WHERE asked_at < $1 AND closed_at IS NOT NULL ORDER BY asked_at LIMIT {BITE}
        FOR UPDATE SKIP LOCKED)""",
)


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
        closed = await close_stale(now, tx, ways=ways)
        for statement in _FORGET:
            await tx.execute(statement, now - KEEP)
        return closed
