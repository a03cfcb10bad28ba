"""What all members of an incident are told or answered, once each: in small transactions, urgent ones first.

An announcement is a row first, so that a crash loses nothing; a loop works it off and keeps in the same transaction
how far it came. Its number takes the place of the case's revision in the notification, so that notify, which tells
(code, revision, told) once, tells each member once, however often and by however many it is asked to.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record
from common.db import Database, Transaction
from common.errors import is_transient
from common.events import Channel, NotificationRequested, SealedAddress, Status, Step, Told
from common.health import Pulse
from sqlalchemy import not_, select, tuple_

from routing.city import City
from routing.following import take_step
from routing.models import Announcement, Case
from routing.steps import Move
from routing.workflow import OPEN

CHUNK = 200  # members in a transaction
LOOK_EVERY = 1.0  # seconds
# How each open case gets to its answer; a unit's own word on the visit stands in its history already, if it gave one.
TO_ANSWER = {
    Status.REGISTERED: (Step.REFER, Step.ANSWER),
    Status.REFERRED: (Step.ANSWER,),
    Status.REOPENED: (Step.ANSWER,),
    Status.WAITING: (Step.ANSWER,),
    Status.IN_PROGRESS: (Step.RECORD_FINDING, Step.COMPLETE),
    Status.INSPECTED: (Step.COMPLETE,),
    Status.DEFERRED: (Step.ORDER_WORK, Step.RECORD_FINDING, Step.COMPLETE),
}
_ADDRESS = ("phone", "phone_lookup", "name", "sms", "account", "account_lookup")
_COLUMNS = f"incident, code, topic, unit, urgent, channel, platform, {', '.join(_ADDRESS)}"
_NEXT = f"""
SELECT {_COLUMNS} FROM cases WHERE incident = $1 AND (NOT urgent, code) > ($2, $3)
ORDER BY NOT urgent, code LIMIT {CHUNK} FOR UPDATE
"""
_MEMBERS = f"SELECT {_COLUMNS} FROM cases WHERE code = ANY($1::text[]) ORDER BY NOT urgent, code"
_LATEST = """
SELECT DISTINCT ON (incident) incident, number, text FROM announcements
WHERE incident = ANY($1::uuid[]) AND told = 'incident' ORDER BY incident, number DESC
"""


class Position(NamedTuple):
    """A member in the order in which they are told."""

    bulk: bool
    code: str


async def tell_latecomers(joined: Mapping[UUID, Sequence[str]], city: City, tx: Transaction) -> None:
    """New members hear the latest announcement of their incident: it stands for those before it."""
    latest = {row["incident"]: row for row in await tx.fetch(_LATEST, list(joined))} if any(joined.values()) else {}
    codes = [code for incident in latest for code in joined[incident]]
    if not codes:
        return
    now = datetime.now(UTC)
    rows = [(row, latest[row["incident"]]) for row in await tx.fetch(_MEMBERS, codes)]
    tx.publish(*(_notification(row, told["number"], told["text"], city, at=now) for row, told in rows))


async def keep_announcing(database: Database, city: City, pulse: Pulse) -> None:
    """Work announcements off for as long as the service runs."""
    while True:
        pulse.beat()
        try:
            if not await announce_some(database, city):
                await asyncio.sleep(LOOK_EVERY)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(1)


async def announce_some(database: Database, city: City) -> bool:
    """Tell or answer the next members; False when nothing is left, or others are at it."""
    pending = select(Announcement).where(Announcement.done_at.is_(None)).order_by(Announcement.number).limit(1)
    async with database.transaction() as tx:
        announcement = await tx.session.scalar(pending.with_for_update(skip_locked=True))
        if announcement is None:
            return False
        reached = await (_answer if announcement.told == Told.DONE else _tell)(announcement, city, tx)
        announcement.reached += len(reached)
        if len(reached) < CHUNK:
            announcement.done_at = datetime.now(UTC)
        else:
            announcement.past_bulk, announcement.past_code = reached[-1]
    return True


async def _tell(announcement: Announcement, city: City, tx: Transaction) -> list[Position]:
    now = datetime.now(UTC)
    rows = await tx.fetch(_NEXT, announcement.incident, announcement.past_bulk, announcement.past_code)
    tx.publish(*(_notification(row, announcement.number, announcement.text, city, at=now) for row in rows))
    return [Position(not row["urgent"], row["code"]) for row in rows]


async def _answer(announcement: Announcement, city: City, tx: Transaction) -> list[Position]:
    """Open members alone: whoever was answered in between has an answer, and who is joined gets it with the parent."""
    order = tuple_(not_(Case.urgent), Case.code)
    query = select(Case).where(Case.incident == announcement.incident, Case.status.in_(sorted(OPEN - {Status.JOINED})))
    query = query.where(order > tuple_(announcement.past_bulk, announcement.past_code))
    query = query.order_by(not_(Case.urgent), Case.code).limit(CHUNK).with_for_update()
    cases = (await tx.session.scalars(query)).all()
    now = datetime.now(UTC)
    for case in cases:
        for step in TO_ANSWER[Status(case.status)]:
            last = step in (Step.ANSWER, Step.COMPLETE)
            words = announcement.text if last else None
            asked = Move(step, now, by=announcement.by, reason=announcement.text, outcome=words)
            tx.publish(*await take_step(case, asked, city, tx))
    return [Position(not case.urgent, case.code) for case in cases]


def _notification(row: Record, number: int, text: str, city: City, *, at: datetime) -> NotificationRequested:
    return NotificationRequested(
        at=at,
        code=row["code"],
        revision=number,
        told=Told.INCIDENT,
        unit_title=city.unit(row["unit"]).title_fa,
        topic_title=city.title_of(row["topic"]),
        outcome=text,
        urgent=row["urgent"],
        channel=Channel(row["channel"]),
        platform=row["platform"],
        reply_to=SealedAddress(**{name: row[name] for name in _ADDRESS}),
    )
