from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing.calendars import TermsFile, load_calendars, load_policy, official_holidays, policy
from routing.city import City
from routing.hours import Hours, working_between
from routing.sla import (
    CountedBy,
    Deadlines,
    Due,
    Mark,
    Progress,
    Terms,
    deadlines,
    due,
    in_words,
    next_due,
    resume,
    terms_of,
)

from tests.unit.stepping import SAMPLES, Stepper

CALENDARS = load_calendars()
CITY = City.load()
POLICY = load_policy(CITY.topics)
STEPPERS = {name: Stepper(plan(frozenset(official_holidays(range(2025, 2029))))) for name, plan in SAMPLES.items()}
FIRST = datetime(2026, 3, 10, tzinfo=UTC)  # Esfand; Nowruz follows
MOMENT = datetime(2026, 11, 24, 6, 0, 5, tzinfo=UTC)  # a Tuesday, 09:30:05 in Tehran
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
ALL = (Mark.RESPONSE_OVERDUE, Mark.WARNING, Mark.BREACH)
TIMES = Deadlines(CountedBy.CLOCK, MOMENT + HOUR, MOMENT + 3 * HOUR, MOMENT + 4 * HOUR)
moments = st.integers(0, 40 * 86_400).map(lambda second: FIRST + timedelta(seconds=second))
waits = st.integers(0, 6 * 86_400).map(lambda second: timedelta(seconds=second))
samples = st.sampled_from(sorted(SAMPLES))
counted = st.sampled_from(CountedBy)
spells = st.lists(st.integers(0, 7 * 3600).map(lambda second: MOMENT + timedelta(seconds=second)), max_size=12)


@settings(max_examples=25, deadline=None)
@given(samples, moments, st.integers(1, 300), st.integers(0, 900))
def test_deadlines_in_working_time_are_exact_to_the_second(name: str, start: datetime, respond: int, more: int) -> None:
    found = deadlines(Terms(respond, respond + more), start, CALENDARS[name])
    slow = STEPPERS[name]
    assert found.respond_by == slow.add(start, respond * 60)
    assert found.resolve_by == slow.add(start, (respond + more) * 60)
    assert found.warn_at == slow.add(start, (respond + more) * 45)


@given(samples, moments, st.integers(1, 9_000))
def test_deadlines_by_the_clock_do_not_see_the_calendar(name: str, start: datetime, minutes: int) -> None:
    found = deadlines(Terms(1, minutes, CountedBy.CLOCK), start, CALENDARS[name])
    assert found.respond_by == start + timedelta(minutes=1)
    assert found.resolve_by == start + timedelta(minutes=minutes)
    assert (found.warn_at - start) * 4 == (found.resolve_by - start) * 3


@settings(max_examples=25, deadline=None)
@given(samples, moments, st.integers(1, 900), waits, waits)
def test_a_wait_for_the_citizen_is_not_counted(
    name: str, start: datetime, minutes: int, before: timedelta, wait: timedelta
) -> None:
    first = deadlines(Terms(1, minutes), start, CALENDARS[name])
    paused, resumed = start + before, start + before + wait
    after = resume(first, paused, resumed, CALENDARS[name])
    over = first.resolve_by <= paused
    slow = STEPPERS[name].add(start, minutes * 60, pause=None if over else (paused, resumed))
    assert after.resolve_by == slow
    assert first.resolve_by <= after.resolve_by
    assert after.respond_by <= after.resolve_by
    assert after.warn_at < after.resolve_by
    assert after.warn_at >= first.warn_at


@given(counted, st.lists(st.tuples(waits, waits), max_size=4), st.integers(1, 5_000))
def test_many_waits_leave_the_whole_time_to_the_unit(
    by: CountedBy, pauses: list[tuple[timedelta, timedelta]], minutes: int
) -> None:
    hours = CALENDARS["office"]
    counting = CALENDARS["always"] if by is CountedBy.CLOCK else hours
    times, now, spent = deadlines(Terms(minutes, minutes, by), FIRST, hours), FIRST, 0.0
    for working, wait in pauses:
        paused = min(now + working, times.resolve_by)
        spent += working_between(counting, now, paused)
        if paused == times.resolve_by:
            break
        now = paused + wait
        times = resume(times, paused, now, hours)
    else:
        spent += working_between(counting, now, times.resolve_by)
    assert spent == minutes * 60


@pytest.mark.parametrize("by", list(CountedBy))
def test_what_had_passed_when_the_wait_began_stays(by: CountedBy) -> None:
    first = replace(TIMES, by=by)
    after = resume(first, first.warn_at, first.warn_at + HOUR, CALENDARS["nahiye"])
    assert after == replace(first, resolve_by=first.resolve_by + HOUR)


def test_no_wait_at_all_moves_nothing_and_a_wait_cannot_end_before_it_began() -> None:
    assert resume(TIMES, MOMENT + HOUR, MOMENT + HOUR, CALENDARS["office"]) == TIMES
    with pytest.raises(ValueError, match="after it began"):
        resume(TIMES, MOMENT + HOUR, MOMENT, CALENDARS["office"])


@pytest.mark.parametrize(
    ("after", "told", "expected"),
    [
        (HOUR - SECOND, (), ()),
        (HOUR, (), (Mark.RESPONSE_OVERDUE,)),
        (3 * HOUR - SECOND, (Mark.RESPONSE_OVERDUE,), ()),
        (3 * HOUR, (), (Mark.RESPONSE_OVERDUE, Mark.WARNING)),
        (3 * HOUR, (Mark.RESPONSE_OVERDUE,), (Mark.WARNING,)),
        (4 * HOUR - SECOND, (Mark.RESPONSE_OVERDUE, Mark.WARNING), ()),
        (4 * HOUR, (Mark.RESPONSE_OVERDUE, Mark.WARNING), (Mark.BREACH,)),
        (4 * HOUR, (Mark.RESPONSE_OVERDUE,), (Mark.BREACH,)),
        (40 * HOUR, (), (Mark.RESPONSE_OVERDUE, Mark.BREACH)),
        (40 * HOUR, (Mark.BREACH,), (Mark.RESPONSE_OVERDUE,)),
        (40 * HOUR, ALL, ()),
    ],
)
def test_what_is_due_follows_from_the_moment_and_what_was_told(
    after: timedelta, told: tuple[Mark, ...], expected: tuple[Mark, ...]
) -> None:
    found = due(TIMES, Progress(told=frozenset(told)), MOMENT + after)
    assert tuple(one.mark for one in found) == expected


def test_a_service_that_slept_escalates_at_once_and_once_and_says_since_when() -> None:
    state = Progress(responded=True, told=frozenset({Mark.WARNING}))
    woke = TIMES.resolve_by + HOUR
    assert due(TIMES, state, woke) == (Due(Mark.BREACH, TIMES.resolve_by),)
    told = replace(state, told=state.told | {Mark.BREACH})
    assert due(TIMES, told, woke) == due(TIMES, told, woke + 1000 * HOUR) == ()


@given(spells)
def test_whenever_someone_looks_each_is_told_once_and_none_before_its_time(looks: list[datetime]) -> None:
    state, told = Progress(), []
    for now in sorted(looks):
        found = due(TIMES, state, now)
        assert all(one.at <= now for one in found)
        told += [one.mark for one in found]
        state = replace(state, told=state.told | {one.mark for one in found})
    assert len(told) == len(set(told))
    last = max(looks, default=MOMENT)
    assert (Mark.BREACH in told) == (last >= TIMES.resolve_by)
    assert (Mark.RESPONSE_OVERDUE in told) == (last >= TIMES.respond_by)
    assert (Mark.WARNING in told) == any(TIMES.warn_at <= now < TIMES.resolve_by for now in looks)


@given(st.booleans(), st.sets(st.sampled_from(Mark)), st.integers(0, 6 * 3600))
def test_the_next_look_is_when_something_falls_due_and_not_before(
    responded: bool, told: set[Mark], second: int
) -> None:
    state, now = Progress(responded=responded, told=frozenset(told)), MOMENT + timedelta(seconds=second)
    wake = next_due(TIMES, state, now)
    assert (wake is not None and wake <= now) == bool(due(TIMES, state, now))
    if wake is None:
        assert due(TIMES, state, now + 1000 * HOUR) == ()
    elif wake > now:
        assert due(TIMES, state, wake - SECOND) == ()
        assert due(TIMES, state, wake)


@pytest.mark.parametrize("state", [Progress(resolved=True), Progress(waiting=True)])
def test_nothing_is_due_of_a_case_that_is_resolved_or_waits_for_the_citizen(state: Progress) -> None:
    assert due(TIMES, state, MOMENT + 100 * HOUR) == ()
    assert next_due(TIMES, state, MOMENT) is None


def test_a_response_that_came_is_not_overdue() -> None:
    assert due(TIMES, Progress(responded=True), MOMENT + 2 * HOUR) == ()


@pytest.mark.parametrize(
    ("topic", "urgent", "calendar", "terms"),
    [
        ("US-GUTTER", False, "nahiye", Terms(420, 1680)),  # 48 hours are two days of fourteen
        ("TC-POTHOLE", False, "office", Terms(420, 1260)),  # 72 hours are three days of seven
        ("TC-POTHOLE", True, "office", Terms(30, 720, CountedBy.CLOCK)),
        ("US-SNOW", True, "nahiye", Terms(30, 240, CountedBy.CLOCK)),
        ("US-SNOW", False, "nahiye", Terms(240, 240, CountedBy.CLOCK)),
        ("GS-TREE-HAZARD", False, "office", Terms(420, 720, CountedBy.CLOCK)),
        ("US-CLEAN-ALLEY", False, "always", Terms(420, 1440)),
    ],
)
def test_terms_follow_from_topic_urgency_and_the_units_hours(
    topic: str, urgent: bool, calendar: str, terms: Terms
) -> None:
    hours = CALENDARS[calendar]
    assert terms_of(POLICY, topic, sla_hours=CITY.topics[topic].sla_hours, urgent=urgent, hours=hours) == terms


def test_every_topic_has_terms_and_those_urgent_by_default_run_round_the_clock() -> None:
    for topic in CITY.topics.values():
        hours = CALENDARS["office"]
        terms = terms_of(POLICY, topic.code, sla_hours=topic.sla_hours, urgent=topic.urgent, hours=hours)
        assert (terms.by is CountedBy.CLOCK) == (topic.code in POLICY.round_the_clock) == topic.urgent


def test_a_topic_that_does_not_exist_is_refused() -> None:
    file = {"urgent": {"respond": 30, "resolve_at_most": 60}, "ordinary": {"respond": 60}, "round_the_clock": ["US-NO"]}
    with pytest.raises(ValueError, match="no topics US-NO"):
        policy(TermsFile.model_validate(file), CITY.topics)


@pytest.mark.parametrize(("respond", "resolve"), [(0, 10), (11, 10), (-1, 10)])
def test_terms_that_cannot_be_kept_are_refused(respond: int, resolve: int) -> None:
    with pytest.raises(ValueError, match="first response"):
        Terms(respond, resolve)


def test_terms_are_told_as_a_reason() -> None:
    office: Hours = CALENDARS["office"]
    assert in_words(Terms(30, 240, CountedBy.CLOCK), office) == (
        "response within 30, resolution within 240 minutes by the clock"
    )
    assert in_words(Terms(420, 840), office).endswith("840 minutes of working time (office)")
