"""What a step of a case means for others: its children go where it goes and are answered with it.

Children are moved by statements over all of them, in the transaction of the parent's step, their rows held in the
order of their codes: a storm's parent has thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from asyncpg import Record
from common.db import Row, Transaction
from common.errors import FieldError, Problem
from common.events import (
    CaseMoved,
    Channel,
    Event,
    Kind,
    NotificationRequested,
    Place,
    SealedAddress,
    Status,
    Step,
)

from routing.city import City
from routing.duplicates import Candidate, OpenCase
from routing.matters import Matter
from routing.models import Case, History, table
from routing.near import attach, forget, remember_open
from routing.steps import Move, move
from routing.workflow import OPEN, after

_LOCK = "SELECT code FROM cases WHERE code = ANY($1::text[]) ORDER BY code FOR UPDATE"
_CHILDREN = "SELECT code FROM cases WHERE parent = $1 AND status = 'joined' ORDER BY code FOR UPDATE"
_MOVE = """
UPDATE cases SET parent = $2, unit = $3, level = $4, status = $5, revision = revision + 1,
                 answered_at = coalesce($6, answered_at)
WHERE code = ANY($1::text[])
RETURNING code, revision, topic, urgent, channel, platform, phone, phone_lookup, name, sms,
          account, account_lookup, deadline
"""
_PARTS = frozenset({Step.DETACH, Step.OBJECT, Step.REJECT_COMPLETION})  # from here on a case of its own


async def lock_in_order(codes: Sequence[str], tx: Transaction) -> None:
    """Hold the rows of several cases, always in the order of their codes, so that nobody waits in a circle."""
    await tx.execute(_LOCK, codes)


async def take_step(case: Case, asked: Move, city: City, tx: Transaction) -> list[Event]:
    """Take the step on a case whose row is locked (of a joining, its parent's too), and what follows from it.

    Problem 409 when the workflow does not allow it, or the parent is none.
    """
    was_open = Status(case.status) in OPEN
    if asked.step is Step.JOIN:
        await _join(case, asked, tx)
    if asked.step in _PARTS:
        case.parent = None
    if asked.step is Step.CORRECT_TOPIC:  # found by its new topic from now on
        await forget(tx, [case.code])
        was_open = False
    events = move(case, asked, city, tx)
    is_open = Status(case.status) in OPEN
    if asked.step is Step.DETACH:
        await attach(tx, case.code, None)
    if is_open and not was_open:
        await remember_open(tx, open_case(case, asked.at), city.reaches)
    if asked.step in (Step.JOIN, Step.REFER) or (was_open and not is_open):
        events += await _take_children_along(_Led(case, asked, events, city), tx)
    return events


async def _join(case: Case, asked: Move, tx: Transaction) -> None:
    """Under the parent: with its unit, found with its matter, its clock at rest."""
    parent = await tx.session.get(Case, asked.parent)
    if parent is None or parent is case:
        raise Problem(422, "A case is joined to another.", [FieldError("/parent", "no such case, or the same one")])
    if Status(parent.status) not in OPEN:
        raise Problem(409, f"The other case is {parent.status}, not open; nothing can be answered with it.")
    if parent.parent is not None:
        raise Problem(409, f"The other case belongs to {parent.parent} itself; join this one to that.")
    case.parent, case.unit, case.level = parent.code, parent.unit, parent.level
    await attach(tx, case.code, parent.code)


def open_case(case: Case, at: datetime, *, exact: bool = True) -> list[OpenCase]:
    """How an open case is found from now on; nothing where it has no duplicates. `exact` as in `Candidate`."""
    place = Place.model_validate(case.place or {})
    candidate = Candidate(
        code=case.code,
        topic=case.topic,
        kind=Kind(case.kind),
        received_at=at,
        matter=Matter.of(case.text),
        lat=place.lat,
        lon=place.lon,
        region=case.region,
        phone_lookup=case.phone_lookup,
        account_lookup=None if case.phone_lookup else case.account_lookup,
        exact=exact,
        urgent=case.urgent,
    )
    opened = candidate.opened(None)
    return [opened] if opened else []


@dataclass(frozen=True, slots=True)
class _Led:
    """A step that a case took, which its children take with it, and what came of it."""

    case: Case
    asked: Move
    events: Sequence[Event]
    city: City

    @property
    def step(self) -> Step:
        """The children's step."""
        return Step.FOLLOW if Status(self.case.status) in OPEN else Step.ANSWER_WITH

    @property
    def parent(self) -> str:
        """Of the children from now on: the case itself, or the one that it was joined to."""
        return self.case.parent or self.case.code

    def history_row(self, child: Record) -> Row:
        """The child's step."""
        case, asked = self.case, self.asked
        row: dict[str, object] = {"code": child["code"], "revision": child["revision"], "step": self.step.value}
        row |= {"status": after(Status.JOINED, self.step).value, "unit": case.unit, "at": asked.at, "by": asked.by}
        return row | {"reason": asked.reason, "detail": orjson.dumps({"parent": self.parent}).decode()}

    def events_of(self, child: Record) -> list[Event]:
        """For reporting, and for the child's citizen, who hears what the parent's hears."""
        parents = next((event for event in self.events if isinstance(event, NotificationRequested)), None)
        return [self._moved(child), *([self._told(child, parents)] if parents else [])]

    def _moved(self, child: Record) -> CaseMoved:
        case, asked = self.case, self.asked
        return CaseMoved(
            at=asked.at,
            code=child["code"],
            revision=child["revision"],
            step=self.step,
            status=after(Status.JOINED, self.step),
            unit=case.unit,
            level=case.level,
            reason=asked.reason,
            by=asked.by,
            deadline=child["deadline"],
            parent=self.parent,
        )

    def _told(self, child: Record, parents: NotificationRequested) -> NotificationRequested:
        return NotificationRequested(
            at=self.asked.at,
            code=child["code"],
            revision=child["revision"],
            told=parents.told,
            unit_title=parents.unit_title,
            topic_title=self.city.title_of(child["topic"]) if child["topic"] else parents.topic_title,
            outcome=parents.outcome,
            urgent=child["urgent"],
            channel=Channel(child["channel"]),
            platform=child["platform"],
            reply_to=SealedAddress(**{name: child[name] for name in SealedAddress.model_fields}),
        )


async def _take_children_along(led: _Led, tx: Transaction) -> list[Event]:
    """Every open child takes the step, and hears what its parent's citizen hears."""
    case = led.case
    codes = [row[0] for row in await tx.fetch(_CHILDREN, case.code)]
    answered = led.step is Step.ANSWER_WITH
    if answered:
        await forget(tx, [case.code, *codes])
    if not codes:
        return []
    status, at = after(Status.JOINED, led.step).value, case.answered_at if answered else None
    children = await tx.fetch(_MOVE, codes, led.parent, case.unit, case.level, status, at)
    await tx.insert(table(History), [led.history_row(child) for child in children])
    return [event for child in children for event in led.events_of(child)]
