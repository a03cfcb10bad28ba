"""Deadlines: computed from when a case came in, never counted down. Values in, values out.

Whoever asks late gets the same answer as whoever asked in time: `due` names what has fallen due by now and was not
told yet, so that a service which slept for an hour warns and escalates at once, and once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from routing.hours import Hours, advance, worked

WARN_SECONDS_PER_MINUTE = 45  # the warning comes at 75 % of the time, exact to the second


class CountedBy(StrEnum):
    """What a deadline's minutes are minutes of."""

    CLOCK = "clock"  # day and night, holidays too
    WORKING = "working"  # the unit's working time


class Mark(StrEnum):
    """What falls due in a case's life."""

    RESPONSE_OVERDUE = "response_overdue"  # nobody has taken the case up in time
    WARNING = "warning"  # 75 % of the time to the resolution is gone
    BREACH = "breach"  # not resolved in time: to the unit's parent


@dataclass(frozen=True, slots=True)
class Terms:
    """How long the first response and the resolution may take, in minutes; ValueError for what cannot be kept."""

    respond: int
    resolve: int
    by: CountedBy = CountedBy.WORKING

    def __post_init__(self) -> None:
        """Neither is empty, and the response is not later than the resolution."""
        if not 0 < self.respond <= self.resolve:
            raise ValueError("a first response comes after the receipt and not after the resolution")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Moments, UTC, and what they were counted by."""

    by: CountedBy
    respond_by: datetime
    warn_at: datetime
    resolve_by: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a case is, as far as deadlines care, and what was told already."""

    responded: bool = False
    resolved: bool = False
    waiting: bool = False  # for the citizen: the time stands still
    told: frozenset[Mark] = frozenset()


@dataclass(frozen=True, slots=True)
class Due:
    """What fell due, and when it did, which may be before anyone looked."""

    mark: Mark
    at: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """The city's terms beside the hours of the topic catalogue; minutes."""

    urgent_respond: int
    urgent_resolve: int
    respond: int
    round_the_clock: frozenset[str] = frozenset()


def terms_of(policy: Policy, topic: str, *, sla_hours: int, urgent: bool, hours: Hours) -> Terms:
    """The terms of a case: urgent ones and 24-hour topics by the clock, others in working days of the unit.

    24 hours of the catalogue are one working day, so that 24 at a desk open seven hours a day are those seven.
    """
    if urgent:
        resolve = min(sla_hours * 60, policy.urgent_resolve)
        return Terms(min(policy.urgent_respond, resolve), resolve, CountedBy.CLOCK)
    if topic in policy.round_the_clock:
        return Terms(min(policy.respond, sla_hours * 60), sla_hours * 60, CountedBy.CLOCK)
    resolve = max(1, sla_hours * hours.usual_day // 24)
    return Terms(min(policy.respond, resolve), resolve)


def deadlines(terms: Terms, received_at: datetime, hours: Hours) -> Deadlines:
    """When the first response, the warning and the resolution are due; `hours` are the unit's."""

    def after(time: timedelta) -> datetime:
        return _later(received_at, time, terms.by, hours)

    respond, resolve = timedelta(minutes=terms.respond), timedelta(minutes=terms.resolve)
    warn = timedelta(seconds=terms.resolve * WARN_SECONDS_PER_MINUTE)
    return Deadlines(terms.by, after(respond), after(warn), after(resolve))


def resume(before: Deadlines, paused_at: datetime, resumed_at: datetime, hours: Hours) -> Deadlines:
    """The deadlines after a wait for the citizen: what was left of each begins again; what had passed stays.

    ValueError when the wait ends before it began.
    """
    if resumed_at < paused_at:
        raise ValueError("a wait ends after it began")

    def moved(moment: datetime) -> datetime:
        if moment <= paused_at:
            return moment
        left = moment - paused_at if before.by is CountedBy.CLOCK else worked(hours, paused_at, moment)
        return _later(resumed_at, left, before.by, hours)

    return Deadlines(before.by, moved(before.respond_by), moved(before.warn_at), moved(before.resolve_by))


def hand_over(before: Deadlines, at: datetime, old: Hours, new: Hours) -> Deadlines:
    """The deadlines of a case that another unit gets: those by the clock stay, and of working time what was left, in
    working days, goes on in the hours of the new unit. What had passed stays; so does all where the hours are alike.
    """
    if before.by is CountedBy.CLOCK or old == new:
        return before

    def moved(moment: datetime) -> datetime:
        left = worked(old, at, moment)
        return moment if moment <= at else advance(new, at, left * new.usual_day // old.usual_day)

    return Deadlines(before.by, moved(before.respond_by), moved(before.warn_at), moved(before.resolve_by))


def due(times: Deadlines, state: Progress, now: datetime) -> tuple[Due, ...]:
    """What has fallen due and was not told, in the order of the moments; the caller adds it to `state.told`.

    A warning is left out when the breach has come: it would warn of what is there.
    """
    return tuple(one for one in _to_come(times, state, now) if one.at <= now)


def next_due(times: Deadlines, state: Progress, now: datetime) -> datetime | None:
    """The first moment at which `due` has something to say, in the past when it has now; None if it never will."""
    return min((one.at for one in _to_come(times, state, now)), default=None)


def in_words(terms: Terms, hours: Hours) -> str:
    """The terms as a decision's reason."""
    kind = "by the clock" if terms.by is CountedBy.CLOCK else f"of working time ({hours.name})"
    return f"response within {terms.respond}, resolution within {terms.resolve} minutes {kind}"


def _to_come(times: Deadlines, state: Progress, now: datetime) -> list[Due]:
    """What was not told yet and can still fall due, in the order of the moments."""
    if state.resolved or state.waiting:
        return []
    late = times.resolve_by <= now
    moments = {Mark.RESPONSE_OVERDUE: times.respond_by, Mark.WARNING: times.warn_at, Mark.BREACH: times.resolve_by}
    over = state.told | ({Mark.RESPONSE_OVERDUE} if state.responded else set()) | ({Mark.WARNING} if late else set())
    return sorted((Due(mark, at) for mark, at in moments.items() if mark not in over), key=lambda one: one.at)


def _later(start: datetime, time: timedelta, by: CountedBy, hours: Hours) -> datetime:
    return (start + time).astimezone(UTC) if by is CountedBy.CLOCK else advance(hours, start, time)
