"""Open cases of a unit that the city's data have no more go to its heir, with the reason: `units.heir` says which.

Looked for at the start, and then once an hour: while a new version is rolled out, an old replica, to which a new unit
is none yet, still runs, and must not take its cases away.
"""

import asyncio
from datetime import UTC, datetime

from common.db import Database, Transaction
from common.errors import is_transient
from common.events import Status, Step
from common.health import Pulse
from sqlalchemy import select

from routing.city import TRIAGE, City
from routing.following import take_step
from routing.models import Case
from routing.steps import Move
from routing.units import heir
from routing.workflow import OPEN

LOOK_EVERY = 3600.0  # seconds
PULSE_EVERY = 10.0  # seconds
MOST_TOGETHER = 200  # cases whose rows are held at a time
# Each unit that has cases, from one to the next in the index.
_UNITS = """
WITH RECURSIVE found AS (
    SELECT min(unit) AS unit FROM cases
    UNION ALL SELECT (SELECT min(unit) FROM cases WHERE unit > found.unit) FROM found WHERE found.unit IS NOT NULL
)
SELECT unit FROM found WHERE unit <> ALL($1::text[])
"""
_WATCHERS = """
SELECT DISTINCT escalated_to FROM cases WHERE escalated_to IS NOT NULL AND escalated_to <> ALL($1::text[])
"""
_WATCH = "UPDATE cases SET escalated_to = $2 WHERE escalated_to = $1"


async def keep_adopting(database: Database, city: City, pulse: Pulse) -> None:
    """Look at the start and every hour, for as long as the service runs."""
    left = 0.0
    while True:
        pulse.beat()
        try:
            if left <= 0 and not await adopt_some(database, city):
                left = LOOK_EVERY
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(1)
        if left > 0:
            await asyncio.sleep(PULSE_EVERY)
            left -= PULSE_EVERY


async def adopt_some(database: Database, city: City) -> bool:
    """Give a batch of such cases to the heirs; False when there are no more."""
    known = sorted(city.units)
    async with database.transaction() as tx:
        for row in await tx.fetch(_WATCHERS, known):
            await tx.execute(_WATCH, row["escalated_to"], heir(row["escalated_to"], city.units))
        gone = [row["unit"] for row in await tx.fetch(_UNITS, known)]
        own = select(Case).where(Case.unit.in_(gone), Case.status.in_(sorted(OPEN - {Status.JOINED})))
        own = own.order_by(Case.code).limit(MOST_TOGETHER).with_for_update()
        cases = (await tx.session.scalars(own)).all() if gone else []
        for case in cases:
            await _adopt(case, city, tx)
    return bool(cases)


async def _adopt(case: Case, city: City, tx: Transaction) -> None:
    """Its children go with it. What arbitration decided for the unit that is no more, the triage desk decides anew."""
    unit = heir(case.unit, city.units)
    case.arbitration = None if unit == TRIAGE else case.arbitration
    because = f"the city has no unit {case.unit} any more"
    asked = Move(Step.REFER, datetime.now(UTC), unit=unit, reason=because, stays=True)
    tx.publish(*await take_step(case, asked, city, tx))
