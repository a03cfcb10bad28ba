"""One step of one case: the workflow's word, the new row, its history, and the events that tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from common.db import Transaction
from common.events import CaseMoved, Channel, Event, Kind, NotificationRequested, Status, Step, Told

from routing.city import City
from routing.clock import Stand, Tick, follow
from routing.models import Case, History
from routing.sla import Deadlines
from routing.units import TRIAGE
from routing.workflow import TOLD, after, step_for


@dataclass(frozen=True, slots=True)
class Move:
    """What someone wants to do to a case, and when."""

    step: Step
    at: datetime
    by: str | None = None
    unit: str | None = None  # of a referral
    reason: str | None = None
    detail: Mapping[str, Any] | None = None
    outcome: str | None = None  # words for the citizen
    channel: Channel | None = None  # of a citizen's reply
    platform: str | None = None
    stars: int | None = None
    parent: str | None = None  # of a joining
    times: Deadlines | None = None  # decided anew
    told: Told | None = None  # what the citizen is told, where the step alone does not say it
    stays: bool = False  # only who acts changes, not how far the case is
    quiet: bool = False  # another step of the same moment tells the citizen


def move(case: Case, asked: Move, city: City, tx: Transaction) -> list[Event]:
    """Take the step on a case whose row is locked; Problem 409 when the workflow does not allow it."""
    before = Stand.of(case)
    asked = replace(asked, step=step_for(Kind(case.kind), before.status, asked.step))
    if asked.step is Step.OBJECT and case.level == "organisation":
        # Another body does not read our worklists; and whose it is, is asked anew of those who can refer it on.
        asked, case.arbitration = replace(asked, unit=TRIAGE), None
    case.status = before.status if asked.stays else after(before.status, asked.step)
    case.revision += 1
    if asked.unit is not None:
        case.unit, case.level = asked.unit, city.unit(asked.unit).level
    if case.status in (Status.ANSWERED, Status.CLOSED):  # what is closed was told why: a 33 finds it too
        case.answered_at = asked.at
    follow(case, before, Tick(asked.step, asked.at, asked.times), city)
    tx.add(_history(case, asked))
    told = _told(case, asked)
    return [_moved(case, asked), *([_notification(case, asked, told, city)] if told else [])]


def note(case: Case, asked: Move, tx: Transaction) -> list[Event]:
    """Put something into a case's history that moves neither the case nor its clock; its row is locked."""
    case.revision += 1
    tx.add(_history(case, asked))
    return [_moved(case, asked)]


def _told(case: Case, asked: Move) -> Told | None:
    if asked.quiet or asked.told:
        return asked.told
    if asked.step is Step.REFER and case.level == "organisation":
        return Told.BOUNCED
    return TOLD.get(asked.step)


def _history(case: Case, asked: Move) -> History:
    return History(
        code=case.code,
        revision=case.revision,
        step=asked.step.value,
        status=case.status,
        unit=case.unit,
        at=asked.at,
        by=asked.by,
        reason=asked.reason,
        detail=dict(asked.detail) if asked.detail else None,
    )


def _moved(case: Case, asked: Move) -> CaseMoved:
    return CaseMoved(
        at=asked.at,
        code=case.code,
        revision=case.revision,
        step=asked.step,
        status=Status(case.status),
        unit=case.unit,
        level=case.level,
        topic=case.topic if asked.step is Step.CORRECT_TOPIC else None,
        reason=asked.reason,
        by=asked.by,
        channel=asked.channel,
        platform=asked.platform,
        stars=asked.stars,
        deadline=case.deadline,
        parent=case.parent,
    )


def _notification(case: Case, asked: Move, told: Told, city: City) -> NotificationRequested:
    return NotificationRequested(
        at=asked.at,
        code=case.code,
        revision=case.revision,
        told=told,
        unit_title=city.unit(case.unit).title_fa,
        topic_title=city.title_of(case.topic),
        outcome=asked.outcome,
        urgent=case.urgent,
        channel=Channel(case.channel),
        platform=case.platform,
        reply_to=case.reply_to,
    )
