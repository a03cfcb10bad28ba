from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.events import Status, Step
from hypothesis import given
from hypothesis import strategies as st
from routing.calendars import load_calendars
from routing.city import City
from routing.clock import Stand, Tick, above, follow, progress_of, times_of
from routing.correction_lines import line, without_numbers
from routing.models import Case
from routing.sla import CountedBy, Deadlines, deadlines, due, hand_over, next_due, terms_of
from routing.workflow import ALLOWED, OPEN, TICKING

CITY = City.load()
DAY = datetime(2026, 11, 24, 6, tzinfo=UTC)  # a Tuesday, 09:30 in Tehran
NIGHT = datetime(2026, 11, 24, 20, tzinfo=UTC)
HOURS = load_calendars()


@pytest.mark.parametrize(
    ("unit", "at", "urgent", "told"),
    [
        ("nahiye-5-1", DAY, True, "region-5"),
        ("nahiye-5-1", NIGHT, True, "region-5-oncall"),
        ("nahiye-5-1", NIGHT, False, "region-5"),
        ("region-5-oncall", NIGHT, True, "hq-triage"),
        ("region-5-oncall", DAY, True, "region-5"),
        ("region-5", DAY, False, "hq-triage"),
        ("hq-arbitration", NIGHT, True, "hq-triage"),
        ("hq-triage", DAY, True, None),
        ("a-unit-of-old", DAY, False, "hq-triage"),
    ],
)
def test_who_is_above_at_a_moment(unit: str, at: datetime, urgent: bool, told: str | None) -> None:
    assert above(unit, at, urgent=urgent, city=CITY) == told


def test_no_unit_is_above_itself() -> None:
    for unit in CITY.units:
        for at in (DAY, NIGHT):
            assert unit not in (above(unit, at, urgent=True, city=CITY), above(unit, at, urgent=False, city=CITY))


def test_hours_alike_and_times_by_the_clock_change_nothing() -> None:
    office, nahiye = HOURS["office"], HOURS["nahiye"]
    by_clock = Deadlines(CountedBy.CLOCK, DAY + timedelta(hours=1), DAY + timedelta(hours=2), DAY + timedelta(hours=3))
    assert hand_over(by_clock, DAY, office, nahiye) == by_clock
    working = Deadlines(CountedBy.WORKING, *(NIGHT + timedelta(hours=n) for n in (1, 2, 3)))
    assert hand_over(working, DAY, office, load_calendars()["office"]) == working


def test_a_whole_working_day_left_is_a_whole_working_day_of_the_next_unit() -> None:
    policy, office, nahiye = CITY.policy, HOURS["office"], HOURS["nahiye"]
    terms = {
        hours.name: terms_of(policy, "US-CLEAN-STREET", sla_hours=24, urgent=False, hours=hours)
        for hours in (office, nahiye)
    }
    before, after = deadlines(terms["nahiye"], DAY, nahiye), deadlines(terms["office"], DAY, office)
    handed = hand_over(before, DAY, nahiye, office)
    assert (handed.resolve_by, handed.warn_at) == (after.resolve_by, after.warn_at)


@given(st.sampled_from(sorted(HOURS)), st.sampled_from(sorted(HOURS)), st.integers(0, 60 * 24 * 20))
def test_what_had_passed_stays_and_the_order_too(one: str, other: str, minutes: int) -> None:
    terms = terms_of(CITY.policy, "US-GUTTER", sla_hours=72, urgent=False, hours=HOURS[one])
    before, at = deadlines(terms, DAY, HOURS[one]), DAY + timedelta(minutes=minutes)
    after = hand_over(before, at, HOURS[one], HOURS[other])
    for was, now in zip(_moments(before), _moments(after), strict=True):
        assert (now == was) if was <= at else (now >= at)
    assert after.warn_at <= after.resolve_by


def _moments(times: Deadlines) -> tuple[datetime, ...]:
    return times.respond_by, times.warn_at, times.resolve_by


STEPS = [(status, step, after) for status, steps in ALLOWED.items() for step, after in steps.items()]


@pytest.mark.parametrize(("status", "step", "after"), STEPS)
def test_after_every_step_the_next_look_is_the_first_moment_that_was_not_told(
    status: Status, step: Step, after: Status
) -> None:
    for late in (timedelta(hours=1), timedelta(days=60)):
        case = a_case(status=after.value)
        follow(case, Stand(status, "region-5"), Tick(step, DAY + late), CITY)
        times = times_of(case)
        assert times is not None
        assert case.next_due_at == next_due(times, progress_of(case), DAY + late)
        assert (case.next_due_at is None) == (
            after not in TICKING or not due(times, progress_of(case), datetime.max.replace(tzinfo=UTC))
        )
        if status not in OPEN and after in OPEN:
            assert (case.marks, case.deadline > DAY + late) == ([], True)


def a_case(**given: Any) -> Case:
    times = deadlines(
        terms_of(CITY.policy, "US-GUTTER", sla_hours=48, urgent=False, hours=HOURS["office"]), DAY, HOURS["office"]
    )
    usual = {"code": "1", "unit": "region-5", "topic": "US-GUTTER", "urgent": False, "marks": ["warning"]}
    usual |= {"counted_by": "working", "respond_by": times.respond_by, "warn_at": times.warn_at}
    return Case(**usual | {"deadline": times.resolve_by} | given)


def test_a_case_from_before_there_was_a_clock_gets_one_when_it_is_opened_again() -> None:
    case = a_case(status="in_progress", respond_by=None, warn_at=None, marks=[])
    follow(case, Stand(Status.REFERRED, "region-5"), Tick(Step.ORDER_WORK, DAY), CITY)
    assert case.next_due_at is None
    case.status = "reopened"
    follow(case, Stand(Status.ANSWERED, "region-5"), Tick(Step.OBJECT, DAY), CITY)
    assert case.next_due_at is not None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("زنگ بزنید 09121234567 ممنون", "زنگ بزنید ممنون"),
        ("۰۹۱۲ ۱۲۳ ۴۵۶۷", ""),
        ("شماره +98 (21) 8888-7777 است", "شماره است"),
        ("کد 1234567890 را دیدم", "کد را دیدم"),
        ("کوچه ۱۲ پلاک 345", "کوچه ۱۲ پلاک 345"),
        ("سال ۱۴۰۵ و 123456", "سال ۱۴۰۵ و 123456"),
    ],
)
def test_numbers_of_persons_stay_out_of_lines(text: str, left: str) -> None:
    assert without_numbers(text) == left


def test_a_line_without_words_or_of_no_topic_is_none() -> None:
    row = {"text": "چاله", "topic": "TC-POTHOLE", "kind": "request", "region": None}
    assert line(row, {"TC-POTHOLE"}) == '{"text":"چاله","topic":"TC-POTHOLE","kind":"request"}'
    assert line(row, {"US-GUTTER"}) is None
    assert line(row | {"text": "09121234567"}, {"TC-POTHOLE"}) is None
