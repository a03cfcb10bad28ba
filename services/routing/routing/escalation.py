"""What falls due is told once, and a breach is escalated, whoever looks first and however late."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from common.db import Database, Transaction
from common.errors import is_transient
from common.events import DeadlinePassed, Event, Step
from common.health import Pulse
from sqlalchemy import select

from routing.city import City
from routing.clock import above, progress_of, times_of
from routing.models import Case, History
from routing.sla import Due, Mark, due, next_due

LOOK_EVERY = 1.0  # seconds
MOST_TOGETHER = 200  # cases whose rows are held at a time, some 70 ms


async def keep_escalating(database: Database, city: City, pulse: Pulse) -> None:
    """Look every second for what fell due, for as long as the service runs."""
    while True:
        pulse.beat()
        try:
            async with database.transaction() as tx:
                count = await escalate_due(city, datetime.now(UTC), tx)
        except Exception as error:
            if not is_transient(error):
                raise
            count = 0
        if count < MOST_TOGETHER:
            await asyncio.sleep(LOOK_EVERY)


async def escalate_due(city: City, now: datetime, tx: Transaction) -> int:
    """Tell of a batch of what fell due, the oldest first; how many cases that were.

    What another replica holds is left to it, and what a step of staff holds to the next look.
    """
    overdue = select(Case).where(Case.next_due_at <= now).order_by(Case.next_due_at).limit(MOST_TOGETHER)
    cases = (await tx.session.scalars(overdue.with_for_update(skip_locked=True))).all()
    for case in cases:
        tx.publish(*_told(case, now, city, tx))
    return len(cases)


def _told(case: Case, now: datetime, city: City, tx: Transaction) -> Sequence[Event]:
    times = times_of(case)
    fallen = due(times, progress_of(case), now) if times else ()
    events = [_one(case, one, now, city, tx) for one in fallen]
    case.next_due_at = next_due(times, progress_of(case), now) if times else None
    return events


def _one(case: Case, fallen: Due, now: datetime, city: City, tx: Transaction) -> Event:
    case.marks = [*case.marks, fallen.mark.value]
    if fallen.mark is Mark.BREACH:
        case.escalated_to = above(case.unit, now, urgent=case.urgent, city=city)
        case.revision += 1
        tx.add(_history(case, fallen, now))
    return DeadlinePassed(
        at=now,
        code=case.code,
        revision=case.revision,
        mark=fallen.mark.value,
        due_at=fallen.at,
        unit=case.unit,
        escalated_to=case.escalated_to,
    )


def _history(case: Case, fallen: Due, now: datetime) -> History:
    return History(
        code=case.code,
        revision=case.revision,
        step=Step.ESCALATE.value,
        status=case.status,
        unit=case.unit,
        at=now,
        reason=f"not resolved by {fallen.at:%Y-%m-%d %H:%M} UTC",
        detail={"escalated_to": case.escalated_to},
    )
