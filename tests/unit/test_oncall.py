from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest
from common.calendar import TEHRAN
from routing.calendars import DutyIn, load_calendars, load_hours_file
from routing.city import TRIAGE, City
from routing.oncall import Roster, escalates_to, on_duty
from routing.units import ON_CALL

FILE, CALENDARS, CITY = load_hours_file(), load_calendars(), City.load()
UNITS = {code: unit for code, unit in CITY.units.items() if not code.endswith(ON_CALL)}  # as the catalogue names them
ROSTER = Roster.of(UNITS, FILE, CALENDARS)
DAY, NIGHT, FRIDAY = "2026-11-24T10:00:00", "2026-11-24T21:00:00", "2026-11-27T10:00:00"
NOWRUZ, LATE_NOWRUZ = "2026-03-22T13:59:59", "2026-03-22T14:00:00"


@pytest.mark.parametrize(
    ("unit", "moment", "urgent", "acts"),
    [
        ("nahiye-5-2", DAY, True, "nahiye-5-2"),
        ("nahiye-5-2", NIGHT, True, "region-5-oncall"),
        ("nahiye-5-2", NIGHT, False, "nahiye-5-2"),
        ("nahiye-5-2", FRIDAY, True, "nahiye-5-2"),
        ("nahiye-5-2", NOWRUZ, True, "nahiye-5-2"),
        ("nahiye-5-2", LATE_NOWRUZ, True, "region-5-oncall"),
        ("region-5", DAY, True, "region-5"),
        ("region-5", NIGHT, True, "region-5-oncall"),
        ("region-5", NIGHT, False, "region-5"),
        ("region-5", FRIDAY, True, "region-5-oncall"),
        ("region-5-oncall", NIGHT, True, "region-5-oncall"),
        ("hq-inspection", DAY, True, "hq-inspection"),
        ("hq-inspection", NIGHT, True, TRIAGE),
        ("hq-inspection", NIGHT, False, "hq-inspection"),
        (TRIAGE, NIGHT, True, TRIAGE),
        ("hq-crisis-management", FRIDAY, True, "hq-crisis-management"),
        ("hq-refer-121", NIGHT, True, "hq-refer-121"),
    ],
)
def test_who_acts(unit: str, moment: str, urgent: bool, acts: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=TEHRAN)
    duty = on_duty(ROSTER.units[unit], at, urgent=urgent, roster=ROSTER)
    assert duty.unit.code == acts
    assert duty.because.startswith(unit)
    assert acts in duty.because
    assert ("closed" in duty.because) == (acts != unit or not _open(unit, at))


def _open(unit: str, at: datetime) -> bool:
    return on_duty(ROSTER.units[unit], at, urgent=False, roster=ROSTER).because.startswith(f"{unit} is open")


def test_urgent_work_always_reaches_a_unit_that_is_open_or_on_call() -> None:
    on_call = {post.on_call.code for post in ROSTER.posts.values() if post.on_call}
    for hour in range(24):
        at = datetime(2026, 3, 21, hour, tzinfo=TEHRAN)
        for unit in ROSTER.units.values():
            duty = on_duty(unit, at, urgent=True, roster=ROSTER)
            assert duty.unit.code in on_call or _open(duty.unit.code, at)


def test_each_region_has_one_unit_on_call_that_stands_under_it() -> None:
    added = [unit for code, unit in ROSTER.units.items() if code not in UNITS]
    assert Counter(unit.parent for unit in added) == Counter({f"region-{n}": 1 for n in range(1, 23)})
    assert ROSTER.units["region-5-oncall"].title_fa == "کشیک شهرداری منطقه 5"
    assert {unit.level for unit in added} == {"region"}
    assert {code: ROSTER.units[code] for code in UNITS} == UNITS


@pytest.mark.parametrize(
    ("unit", "told"),
    [
        ("nahiye-5-2", "region-5"),
        ("region-5-oncall", "region-5"),
        ("region-5", TRIAGE),
        ("hq-inspection", TRIAGE),
        (TRIAGE, None),
    ],
)
def test_a_breach_goes_to_the_parent_and_at_the_top_to_the_triage_desk(unit: str, told: str | None) -> None:
    above = escalates_to(ROSTER.units[unit], ROSTER)
    assert (above.code if above else None) == told


def test_an_escalation_at_night_is_taken_by_whoever_is_on_call_for_the_parent() -> None:
    night = datetime.fromisoformat(NIGHT).replace(tzinfo=TEHRAN)
    region = escalates_to(ROSTER.units["nahiye-5-2"], ROSTER)
    assert region is not None
    assert on_duty(region, night, urgent=True, roster=ROSTER).unit.code == "region-5-oncall"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ({"units": {"region-99": DutyIn(hours="always")}}, "no units region-99"),
        ({"units": {"region-5": DutyIn(hours="midnight")}}, "no calendar 'midnight'"),
        ({"units": {"region-5": DutyIn(hours="office", on_call="region-99-oncall")}}, "no unit region-99-oncall"),
        ({"units": {"region-5": DutyIn(hours="office", on_call="{parent}-oncall")}}, "no unit -oncall"),
        ({"units": {"region-5": DutyIn(hours="office", on_call="nobody")}}, "no unit nobody"),
        ({"levels": {"hq": DutyIn(hours="office")}}, "has no line, nor has its level"),
    ],
)
def test_a_roster_that_names_what_is_not_there_is_refused(lines: Mapping[str, Mapping[str, DutyIn]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Roster.of(UNITS, FILE.model_copy(update=lines), CALENDARS)


def test_a_unit_that_nobody_is_on_call_for_keeps_its_urgent_work_and_says_so() -> None:
    posts = {**ROSTER.posts, "region-5": replace(ROSTER.posts["region-5"], on_call=None)}
    night = datetime.fromisoformat(NIGHT).replace(tzinfo=TEHRAN)
    itself = Roster.of(UNITS, FILE.model_copy(update={"units": {}}), CALENDARS)
    assert "nobody is on call" in on_duty(UNITS[TRIAGE], night, urgent=True, roster=itself).because
    duty = on_duty(ROSTER.units["region-5"], night, urgent=True, roster=Roster(posts))
    assert (duty.unit.code, "nobody is on call" in duty.because) == ("region-5", True)
