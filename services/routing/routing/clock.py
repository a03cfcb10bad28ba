"""The clock of a case through its life: what each step does to its deadlines.

- Work on a case (a visit, an answer, a question to the citizen) is its first response; giving it away is not.
- Once answered or closed it has no time to keep. When it is opened again, the whole time begins again, by the terms
  of its topic and the hours of its unit, and nothing of it was told yet.
- While it waits for the citizen its time stands still; afterwards what was left goes on.
- Given to another unit, see `sla.hand_over`. Decided anew, see `Tick.times`.
- What was told is told again only where its moment is to come again.
- A case whose resolution is overdue is escalated to the unit above the one that has it.
"""

from dataclasses import dataclass
from datetime import datetime

from common.events import Status, Step

from routing.city import TRIAGE, City
from routing.decide import TRIAGE_HOURS
from routing.hours import Hours
from routing.models import Case
from routing.oncall import escalates_to, on_duty
from routing.sla import (
    CountedBy,
    Deadlines,
    Mark,
    Progress,
    deadlines,
    hand_over,
    next_due,
    resume,
    terms_of,
)
from routing.units import heir
from routing.workflow import OPEN, TICKING

RESPONSES = frozenset(
    {
        *(Step.ORDER_WORK, Step.RECORD_FINDING, Step.CLOSE, Step.DEFER, Step.COMPLETE, Step.ANSWER),
        Step.ASK_CITIZEN,
    }
)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a case stood before a step."""

    status: Status
    unit: str

    @classmethod
    def of(cls, case: Case) -> "Stand":
        """Where it stands now."""
        return cls(Status(case.status), case.unit)


@dataclass(frozen=True, slots=True)
class Tick:
    """A step, as far as the clock cares. `times` are deadlines that were decided anew; they count as they are."""

    step: Step
    at: datetime
    times: Deadlines | None = None


def follow(case: Case, before: Stand, tick: Tick, city: City) -> None:
    """Keep the clock of a case that took a step; its status and unit are already those after it."""
    status = Status(case.status)
    if before.status not in OPEN and status in OPEN:
        _begin_again(case, tick.at, city)
    if tick.step in RESPONSES and case.responded_at is None:
        case.responded_at = tick.at
    times = tick.times or _moved(case, before, tick.at, city)
    case.waiting_since = tick.at if status is Status.WAITING else None
    if times is not None and times != times_of(case):  # else a replica whose clock is behind would forget what was told
        _set(case, times, tick.at)
    case.escalated_to = _watcher(case, tick.at, city) if status in OPEN else case.escalated_to
    case.next_due_at = _next_due(case, tick.at)


def times_of(case: Case) -> Deadlines | None:
    """The deadlines of a case; None for one that was opened before there was a clock."""
    if case.respond_by is None or case.warn_at is None:
        return None
    return Deadlines(CountedBy(case.counted_by), case.respond_by, case.warn_at, case.deadline)


def progress_of(case: Case) -> Progress:
    """How far it is, as far as deadlines care."""
    told = frozenset(Mark(mark) for mark in case.marks or ())
    still = Status(case.status) not in TICKING
    return Progress(responded=case.responded_at is not None, waiting=still, told=told)


def above(unit: str, at: datetime, *, urgent: bool, city: City) -> str | None:
    """Who is told when a unit is late: the next one above that is not itself on call for it; None at the top."""
    if unit not in city.units:
        return heir(unit, city.units)
    upper = escalates_to(city.units[unit], city.roster)
    while upper is not None:
        acts = on_duty(upper, at, urgent=urgent, roster=city.roster).unit.code
        if acts != unit:
            return acts
        upper = escalates_to(upper, city.roster)
    return None


def _begin_again(case: Case, at: datetime, city: City) -> None:
    topic = city.topics.get(case.topic or "")
    hours = hours_of(case.unit, city)
    sla_hours = topic.sla_hours if topic else TRIAGE_HOURS
    terms = terms_of(city.policy, case.topic or "", sla_hours=sla_hours, urgent=case.urgent, hours=hours)
    case.marks, case.responded_at = [], None
    _set(case, deadlines(terms, at, hours), at)


def _moved(case: Case, before: Stand, at: datetime, city: City) -> Deadlines | None:
    """The deadlines after a wait that ended, and after a change of the unit."""
    times = times_of(case)
    if times is None or before.status not in OPEN:
        return times
    if case.waiting_since is not None:
        began = min(case.waiting_since, at)  # clocks of two replicas may differ
        times = resume(times, began, at, hours_of(before.unit, city))
    if case.unit != before.unit:
        times = hand_over(times, at, hours_of(before.unit, city), hours_of(case.unit, city))
    return times


def _set(case: Case, times: Deadlines, at: datetime) -> None:
    case.counted_by, case.deadline = times.by.value, times.resolve_by
    case.respond_by, case.warn_at = times.respond_by, times.warn_at
    moments = {Mark.RESPONSE_OVERDUE: times.respond_by, Mark.WARNING: times.warn_at, Mark.BREACH: times.resolve_by}
    case.marks = [mark for mark in case.marks or () if moments[Mark(mark)] <= at]


def _watcher(case: Case, at: datetime, city: City) -> str | None:
    return above(case.unit, at, urgent=case.urgent, city=city) if Mark.BREACH in case.marks else None


def _next_due(case: Case, at: datetime) -> datetime | None:
    times = times_of(case)
    return next_due(times, progress_of(case), at) if times else None


def hours_of(unit: str, city: City) -> Hours:
    """A unit's working calendar; that of the triage desk for one that the city has no more."""
    return city.roster.posts.get(unit, city.roster.posts[TRIAGE]).hours
