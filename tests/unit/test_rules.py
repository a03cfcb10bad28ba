from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from common.calendar import TEHRAN, ShiftName
from common.events import Channel, Kind
from hypothesis import given, settings
from hypothesis import strategies as st
from routing.calendars import load_calendars, load_hours_file
from routing.city import TRIAGE, City
from routing.oncall import Roster
from routing.rule_text import default_rules, read
from routing.rules import Facts, Known, Moved, Rule, RuleSet, When, preview
from routing.shadows import Shadow, shadows

from tests.unit.rule_cases import FIRST, KNOWN, VALUES, every_case, facts, fits, rule_lists, whens

CITY = City.load()
CALENDARS = load_calendars()
UNITS = Roster.of(CITY.units, load_hours_file(), CALENDARS).units
TEHRAN_CITY = Known(CITY.topics, frozenset(UNITS), CALENDARS["office"].holidays)
DEFAULT = read(default_rules(), TEHRAN_CITY)
DAY, NIGHT = datetime(2026, 11, 24, 10, tzinfo=TEHRAN), datetime(2026, 11, 25, 2, tzinfo=TEHRAN)
EVERYTHING = Rule("everything", "topic")
A_CASE = Facts("A", "one", 1, 1, Kind.REQUEST, Channel.APP, False, DAY)


def a_case(topic: str | None, region: int | None = 5, nahiye: int | None = 2, at: datetime = DAY) -> Facts:
    group = CITY.topics[topic].deputy if topic else None
    return Facts(topic, group, region, nahiye, Kind.REQUEST, Channel.APP, False, at)


def first_name(rules: list[Rule], case: Facts) -> str:
    return next(rule.name for rule in rules if fits(rule.when, case))


DIMENSIONS = [*combinations(VALUES, 1), *combinations(VALUES, 2)]


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(DIMENSIONS), st.lists(facts, min_size=3, max_size=8))
def test_the_first_match_is_that_of_a_slow_scan(
    data: st.DataObject, dimensions: tuple[str, ...], cases: list[Facts]
) -> None:
    rules = data.draw(rule_lists(*dimensions, most=8))
    rule_set = RuleSet(tuple(rules), KNOWN)
    for case in cases:
        assert rule_set.first_match(case).rule.name == first_name(rules, case)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(DIMENSIONS))
def test_a_rule_is_named_as_never_matching_exactly_when_no_case_meets_it_first(
    data: st.DataObject, dimensions: tuple[str, ...]
) -> None:
    rules = data.draw(rule_lists(*dimensions))
    reached = {first_name(rules, case) for case in every_case(*dimensions)}
    found = shadows(rules, KNOWN)
    assert found.unproven == ()
    spared = {rules[-1].name} if all(rule.when != When() for rule in rules[:-1]) else set()
    assert {rules[one.rule].name for one in found.never} == {rule.name for rule in rules} - reached - spared


@pytest.mark.parametrize(
    ("earlier", "later", "meets"),
    [
        ({"topics": {"A", "B"}}, {"groups": {"one"}}, True),  # of the group, without a topic
        ({"topics": {"A", "B", None}}, {"groups": {"one"}}, False),
        ({"nahiye": {(1, 1), (1, 2)}}, {"regions": {1}}, True),  # in the region, the nahiye not known
        ({"regions": {1}}, {"nahiye": {(1, 1), (1, 2)}}, False),
        ({"regions": {1, 2}}, {"urgent": True}, True),  # nowhere
        ({"regions": {1, 2, None}}, {"urgent": True}, False),
        ({"first": FIRST, "last": FIRST}, {"first": FIRST, "holiday": False}, True),
        ({"first": FIRST, "last": FIRST}, {"first": FIRST, "last": FIRST, "holiday": False}, False),
        ({"first": FIRST}, {"last": FIRST, "holiday": True}, True),  # every stretch without end has a Friday
        ({"first": FIRST}, {"last": FIRST, "first": FIRST - timedelta(days=2)}, True),
        ({"last": FIRST}, {"first": FIRST + timedelta(days=1), "holiday": True}, True),
        ({"last": FIRST}, {"first": FIRST - timedelta(days=1), "last": FIRST}, False),
    ],
)
def test_what_is_left_of_a_rule_is_what_a_case_can_be(
    earlier: dict[str, Any], later: dict[str, Any], meets: bool
) -> None:
    rules = [Rule("earlier", "topic", a_when(earlier)), Rule("later", "topic", a_when(later)), EVERYTHING]
    assert shadows(rules, KNOWN).never == (() if meets else (Shadow(1, (0,)),))


def a_when(given: dict[str, Any]) -> When:
    fields: dict[str, Any] = {n: frozenset(value) if isinstance(value, set) else value for n, value in given.items()}
    return When(**fields)


@pytest.mark.parametrize(
    ("clock", "shift"),
    [
        ("06:59", "night"),
        ("07:00", "morning"),
        ("14:59", "morning"),
        ("15:00", "noon"),
        ("22:59", "noon"),
        ("23:00", "night"),
        ("00:00", "night"),
    ],
)
def test_a_shift_is_that_of_the_clock_in_tehran(clock: str, shift: str) -> None:
    shifts = [Rule(one.value, "topic", When(shifts=frozenset({one}))) for one in ShiftName]
    at = datetime.fromisoformat(f"2026-11-24T{clock}:00+03:30")
    for moment in (at, at.astimezone(UTC)):
        assert RuleSet((*shifts, EVERYTHING), KNOWN).first_match(replace(A_CASE, at=moment)).rule.name == shift


@pytest.mark.parametrize(
    ("moment", "within"),
    [("11-24T06:59", False), ("11-24T07:00", True), ("11-26T06:59", True), ("11-26T07:00", False)],
)
def test_a_period_begins_with_a_morning_and_ends_with_a_night(moment: str, within: bool) -> None:
    campaign = Rule("campaign", "topic", When(first=FIRST, last=FIRST + timedelta(days=1)))
    case = replace(A_CASE, at=datetime.fromisoformat(f"2026-{moment}:00+03:30"))
    assert (RuleSet((campaign, EVERYTHING), KNOWN).first_match(case).rule is campaign) is within


@settings(max_examples=20, deadline=None)
@given(rule_lists(*VALUES, most=8), st.lists(facts, min_size=5, max_size=10))
def test_what_can_never_match_matches_nothing_however_little_work_was_allowed(
    rules: list[Rule], cases: list[Facts]
) -> None:
    reached = {first_name(rules, case) for case in cases}
    for work in (0, 20, 100_000):
        assert not reached & {rules[one.rule].name for one in shadows(rules, KNOWN, work).never}


@settings(max_examples=30, deadline=None)
@given(whens(*VALUES))
def test_without_work_to_spend_a_taken_rule_is_unproven_and_not_named(when: When) -> None:
    rules = [EVERYTHING, Rule("late", "topic", when)]
    if shadows(rules, KNOWN).never == (Shadow(1, ()),):
        return  # its own conditions exclude each other: seen without work
    assert shadows(rules, KNOWN).never == (Shadow(1, (0,)),)
    assert shadows(rules, KNOWN, 0).never == ()
    assert shadows(rules, KNOWN, 0).unproven == (1,)


def test_several_rules_together_take_all_of_another() -> None:
    one = Rule("region 1", "topic", When(regions=frozenset({1}), groups=frozenset({"one"})))
    two = Rule("region 2", "topic", When(regions=frozenset({2})))
    nowhere = Rule("nowhere", "topic", When(regions=frozenset({None})))
    a = Rule("a", "topic", When(topics=frozenset({"A"})))
    assert shadows([one, two, nowhere, a, EVERYTHING], KNOWN).never == (Shadow(3, (0, 1, 2)),)
    assert shadows([one, two, a, EVERYTHING], KNOWN).never == ()


def test_the_last_rule_stays_as_the_net_though_the_others_take_all() -> None:
    by_day = Rule("by day", "topic", When(urgent=True))
    by_night = Rule("by night", "topic", When(urgent=False))
    assert shadows([by_day, by_night, EVERYTHING], KNOWN).never == ()
    late = shadows([by_day, by_night, EVERYTHING, EVERYTHING], KNOWN)
    assert late.never == (Shadow(2, (0, 1)), Shadow(3, (2,)))
    assert shadows([EVERYTHING, by_day, EVERYTHING], KNOWN).never == (Shadow(1, (0,)), Shadow(2, (0,)))


def test_a_rule_set_ends_with_a_rule_for_everything() -> None:
    for rules in ((), (Rule("urgent", "topic", When(urgent=True)),)):
        with pytest.raises(ValueError, match="fit everything"):
            RuleSet(rules, KNOWN)


@pytest.mark.parametrize(
    ("unit", "region", "nahiye", "goes_to"),
    [
        ("region-{region}", 1, 2, "region-1"),
        ("region-{region}", None, None, TRIAGE),
        ("region-{region}", 9, None, TRIAGE),
        ("region-{region}-oncall", 1, 2, "region-1-oncall"),
        ("region-{region}-oncall", 2, 1, TRIAGE),
        ("nahiye-{region}-{nahiye}", 1, 2, "nahiye-1-2"),
        ("nahiye-{region}-{nahiye}", 1, None, "region-1"),
        ("nahiye-{region}-{nahiye}", None, None, TRIAGE),
        ("hq-desk", None, None, "hq-desk"),
    ],
)
def test_a_template_gives_a_unit_that_exists(unit: str, region: int | None, nahiye: int | None, goes_to: str) -> None:
    case = replace(A_CASE, region=region, nahiye=nahiye)
    match = RuleSet((Rule("all", unit),), KNOWN).first_match(case)
    assert match.unit == goes_to
    assert match.because.startswith(f"rule “all”: {goes_to}, ")


def test_the_night_and_its_holiday_belong_to_the_day_on_which_it_began() -> None:
    when = When(shifts=frozenset({ShiftName.NIGHT}), holiday=True)
    friday_night = Rule("friday night", "topic", when)
    rules = RuleSet((friday_night, EVERYTHING), TEHRAN_CITY)
    names = {
        day: rules.first_match(a_case("US-SNOW", at=datetime(2026, 11, day, 3, tzinfo=TEHRAN))).rule.name
        for day in (27, 28)
    }
    assert names == {27: "everything", 28: "friday night"}


@pytest.mark.parametrize("topic", list(CITY.topics))
@pytest.mark.parametrize("place", [(None, None), (5, None), (5, 2)])
def test_an_ordinary_request_goes_where_the_catalogue_says(topic: str, place: tuple[int | None, int | None]) -> None:
    line, (region, nahiye) = CITY.topics[topic], place
    by_level = {"hq": f"hq-{line.unit}", "region": f"region-{region}", "nahiye": f"nahiye-{region}-{nahiye}"}
    expected = by_level[line.level]
    if nahiye is None and line.level == "nahiye":
        expected = by_level["region"]
    if line.unit == "none" or (region is None and line.level != "hq"):
        expected = TRIAGE
    match = DEFAULT.first_match(a_case(topic, region, nahiye))
    assert match.unit == expected
    assert (match.rule.urgent, match.rule.deadline) == (None, None)


@pytest.mark.parametrize(
    ("case", "unit", "urgent"),
    [
        (a_case(None), TRIAGE, None),
        (replace(a_case("US-GUTTER"), kind=Kind.THANKS), "hq-public-relations", None),
        (replace(a_case(None), kind=Kind.THANKS), TRIAGE, None),
        (replace(a_case("US-GUTTER"), kind=Kind.THANKS, urgent=True), "nahiye-5-2", None),
        (replace(a_case("XX-POWER"), kind=Kind.INQUIRY), "hq-refer-121", None),
        (replace(a_case("US-GUTTER"), kind=Kind.INQUIRY), TRIAGE, None),
        (a_case("WM-CHILD-PICKER", at=NIGHT), "hq-welfare", True),
        (a_case("WM-CHILD-PICKER"), "hq-waste-management", None),
        (a_case("US-SNOW", at=NIGHT), "region-5-oncall", True),
        (a_case("US-SNOW", None, None, NIGHT), TRIAGE, True),
        (a_case("US-SNOW"), "nahiye-5-2", None),
        (a_case("US-GUTTER", at=NIGHT), "nahiye-5-2", None),
    ],
)
def test_the_citys_own_rules_come_before_the_catalogue(case: Facts, unit: str, urgent: bool | None) -> None:
    match = DEFAULT.first_match(case)
    assert (match.unit, match.rule.urgent) == (unit, urgent)
    assert match.unit in UNITS


def test_a_preview_lists_the_cases_that_move_and_no_others() -> None:
    snow = Rule("snow to the region", "region-{region}", When(topics=frozenset({"US-SNOW"})))
    new = RuleSet((snow, *DEFAULT.rules), TEHRAN_CITY)
    cases = [("1", a_case("US-SNOW")), ("2", a_case("US-GUTTER")), ("3", a_case("US-SNOW", 5, None))]
    assert preview(DEFAULT, new, cases) == [Moved("1", "nahiye-5-2", "region-5", "snow to the region")]
    assert preview(DEFAULT, DEFAULT, cases) == []
