from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from common.calendar import TEHRAN
from hypothesis import given, settings
from hypothesis import strategies as st
from routing.calendars import (
    YEARS,
    CalendarIn,
    HoursFile,
    PeriodIn,
    calendars,
    corrected,
    load_calendars,
    official_holidays,
    read_corrections,
)
from routing.hours import WEEKDAYS, Hours, add_working, advance, is_open, worked, working_between

from tests.unit.stepping import SAMPLES, Stepper

CALENDARS = load_calendars()
OFFICE, NAHIYE, NIGHT, ALWAYS = (CALENDARS[name] for name in ("office", "nahiye", "night", "always"))
HOLIDAYS = frozenset(official_holidays(range(2025, 2029)))
FIRST = datetime(2026, 3, 1, tzinfo=UTC)  # Esfand; Nowruz and the lunar holidays of spring follow
Day = list[tuple[int, int]]
moments = st.integers(0, 80 * 86_400).map(lambda second: FIRST + timedelta(seconds=second))
exact_moments = st.integers(0, 80 * 86_400 * 10**6).map(lambda part: FIRST + timedelta(microseconds=part))
samples = st.sampled_from(sorted(CALENDARS))


def at(text: str) -> datetime:
    """A moment of Tehran's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=TEHRAN)


@st.composite
def days(draw: st.DrawFn) -> Day:
    """Hours of a day, minutes from midnight; the last may be a night that ends on the next day."""
    edges = sorted(draw(st.sets(st.integers(0, 1300), max_size=4)))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    if draw(st.booleans()):
        spans.append((draw(st.integers(1301, 1439)), 1440 + draw(st.integers(1, 600))))
    return spans


weeks = st.lists(days(), min_size=7, max_size=7).filter(lambda week: sum(b - a for day in week for a, b in day) > 600)
days_off = st.sets(st.integers(0, 100).map(lambda n: date(2026, 3, 1) + timedelta(days=n)), max_size=30)


def written(day: Day) -> str:
    def clock(minute: int) -> str:
        return f"{minute % 1440 // 60:02}:{minute % 60:02}"

    return ", ".join(f"{clock(opens)}-{clock(closes)}" for opens, closes in day) or "closed"


def both(week: list[Day], holiday: Day | None, off: set[date]) -> tuple[Hours, Stepper]:
    """The same calendar as ours, read from text, and as one to step through."""
    text = dict(zip(WEEKDAYS, map(written, week), strict=True))
    file = CalendarIn(title_fa="…", week=text, holidays="as usual" if holiday is None else written(holiday))
    ours = calendars(HoursFile(calendars={"any": file}), dict.fromkeys(off, ("…",)))["any"]

    def plan(day: date) -> Day:
        usual = week[(day.isoweekday() + 1) % 7]  # Saturday, 6, comes first
        return holiday if usual and holiday is not None and day in off else usual

    return ours, Stepper(plan)


@settings(max_examples=25, deadline=None)
@given(weeks, st.none() | days(), days_off, moments, st.integers(0, 300))
def test_any_calendar_adds_and_measures_as_stepping_does(
    week: list[Day], holiday: Day | None, off: set[date], start: datetime, minutes: int
) -> None:
    ours, slow = both(week, holiday, off)
    end = slow.add(start, minutes * 60)
    assert add_working(ours, start, minutes) == end
    assert working_between(ours, start, end) == minutes * 60
    later = start + timedelta(days=3, seconds=minutes)
    assert working_between(ours, start, later) == slow.between(start, later)
    assert is_open(ours, start) == slow.open_at(start)
    assert is_open(ours, end) == slow.open_at(end)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), moments, st.integers(0, 5 * 420 * 60))
def test_the_sample_calendars_are_exact_to_the_second_over_nowruz(name: str, start: datetime, seconds: int) -> None:
    slow = Stepper(SAMPLES[name](HOLIDAYS))
    end = slow.add(start, seconds)
    assert advance(CALENDARS[name], start, timedelta(seconds=seconds)) == end
    assert working_between(CALENDARS[name], start, end) == seconds


@given(samples, exact_moments, st.integers(1, 60 * 840 * 10**6))
def test_adding_then_measuring_gives_back_and_no_earlier_moment_does(name: str, start: datetime, part: int) -> None:
    hours, time = CALENDARS[name], timedelta(microseconds=part)
    end = advance(hours, start, time)
    assert worked(hours, start, end) == time
    assert worked(hours, start, end - timedelta(microseconds=1)) < time
    assert end.utcoffset() == timedelta(0)


@given(samples, exact_moments, st.integers(0, 10**11), st.integers(0, 10**11))
def test_time_added_in_two_parts_is_the_same_as_at_once(name: str, start: datetime, one: int, two: int) -> None:
    hours, first, second = CALENDARS[name], timedelta(microseconds=one), timedelta(microseconds=two)
    end = advance(hours, advance(hours, start, first), second)
    assert end == advance(hours, start, first + second) or not first + second


@given(samples, exact_moments, exact_moments, st.integers(0, 20_000), st.integers(0, 20_000))
def test_later_starts_and_longer_times_never_end_earlier(
    name: str, a: datetime, b: datetime, few: int, many: int
) -> None:
    hours, (a, b), (few, many) = CALENDARS[name], sorted((a, b)), sorted((few, many))
    assert add_working(hours, a, few) <= add_working(hours, b, few) <= add_working(hours, b, many)
    assert add_working(hours, a, few) >= a
    assert 0 <= working_between(hours, a, b) <= (b - a).total_seconds()
    assert working_between(hours, b, a) == 0


@given(exact_moments, st.integers(0, 100_000))
def test_a_calendar_that_is_always_open_is_the_clock(start: datetime, minutes: int) -> None:
    assert add_working(ALWAYS, start, minutes) == start + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("hours", "start", "minutes", "end"),
    [
        (OFFICE, "2026-11-24T09:00:07", 60, "2026-11-24T10:00:07"),  # a Tuesday
        (OFFICE, "2026-11-24T14:00:00", 30, "2026-11-24T14:30:00"),  # to the second of closing
        (OFFICE, "2026-11-26T12:00:00", 60, "2026-11-28T08:00:00"),  # Thursday's half day, Friday
        (OFFICE, "2026-11-27T10:00:00", 1, "2026-11-28T07:31:00"),  # a Friday
        (OFFICE, "2026-03-19T12:00:00", 60, "2026-03-25T08:30:00"),  # Nowruz: four holidays, then short days
        (OFFICE, "2026-03-31T11:00:00", 120, "2026-04-04T08:30:00"),  # 12 and 13 Farvardin, a Friday; 15 is usual
        (NAHIYE, "2026-03-20T20:00:00", 60, "2026-03-21T09:00:00"),  # a holiday of the year 1404, then Nowruz
        (NIGHT, "2026-11-24T22:00:00", 600, "2026-11-26T01:00:00"),
        (NIGHT, "2026-11-25T03:00:00", 240, "2026-11-25T07:00:00"),
    ],
)
def test_deadlines_by_hand(hours: Hours, start: str, minutes: int, end: str) -> None:
    assert add_working(hours, at(start), minutes) == at(end)


def test_a_deadline_of_many_weeks_is_that_of_stepping() -> None:
    end = Stepper(SAMPLES["office"](HOLIDAYS)).add(at("2026-03-05T10:11:12"), 30 * 420 * 60)
    assert add_working(OFFICE, at("2026-03-05T10:11:12"), 30 * 420) == end > at("2026-04-20T00:00:00")


def test_a_thursday_night_runs_into_a_closed_friday() -> None:
    hours, _ = both([[]] * 5 + [[(1380, 1860)], []], None, set())
    assert is_open(hours, at("2026-11-27T06:59:59"))
    assert not is_open(hours, at("2026-11-27T07:00:00"))
    assert not is_open(hours, at("2026-11-26T06:00:00"))


def test_a_lunar_holiday_that_moved_moves_the_deadline() -> None:
    moved = read_corrections("date,change,name\n2027-03-10,remove,عید سعید فطر\n1405-12-21,add,عید سعید فطر\n")
    file = HoursFile(calendars={"desk": CalendarIn(title_fa="…", week={"every day": "08:00-16:00"}, holidays="closed")})
    before = calendars(file, official_holidays())["desk"]
    after = calendars(file, corrected(official_holidays(), moved))["desk"]
    tenth, eleventh, twelfth = (at(f"2027-03-{day}T09:00:00") for day in (10, 11, 12))
    assert [is_open(before, moment) for moment in (tenth, eleventh, twelfth)] == [False, False, True]
    assert [is_open(after, moment) for moment in (tenth, eleventh, twelfth)] == [True, False, False]
    assert add_working(before, tenth, 60) == twelfth
    assert add_working(after, tenth, 60) == at("2027-03-10T10:00:00")


def test_taking_a_lunar_holiday_away_leaves_the_solar_one_of_that_day() -> None:
    official, day = official_holidays(), date(2024, 4, 1)
    assert set(official[day]) == {"شهادت حضرت علی علیه السلام", "روز طبیعت"}
    one = read_corrections(f"date,change,name\n{day},remove,شهادت حضرت علی علیه السلام\n")
    assert corrected(official, one)[day] == ("روز طبیعت",)
    assert day not in corrected(official, read_corrections(f"date,change,name\n{day},remove,\n"))
    instead = read_corrections(f"date,change,name\n{day},add,عید\n{day},remove,\n")
    assert corrected(official, instead)[day] == ("عید",)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2026-11-24,remove,", "no holiday"),
        ("2024-04-01,remove,عید", "no holiday 'عید'"),
        ("1405-13-01,add,عید", "1405-13-01"),
        ("2026-11-24,add,", "with a name"),
        ("2026-11-24,drop,عید", "add, with a name, or remove"),
        ("2026-11-24", "add, with a name, or remove"),
    ],
)
def test_a_correction_that_says_nothing_is_refused(row: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        corrected(official_holidays(), read_corrections(f"# ours\n\ndate,change,name\n{row}\n"))


def test_every_year_has_its_solar_and_lunar_holidays_under_persian_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en_US")
    official = official_holidays()
    named = {(day.year, name) for day, names in official.items() for name in names}
    assert all((year, "جشن نوروز") in named and (year, "روز طبیعت") in named for year in YEARS)
    fitr = sorted(day for day, names in official.items() if "عید سعید فطر" in names)
    assert all(350 < (b - a).days < 360 for a, b in pairwise(fitr))
    assert (fitr[0].year, fitr[-1].year) == (YEARS[0], YEARS[-1])


@pytest.mark.parametrize(
    ("week", "more", "why"),
    [
        ({"every day": "closed"}, {}, "open on one at least"),
        ({"saturday to thursday": "08:00-12:00"}, {}, "exactly once"),
        ({"every day": "08:00-12:00", "friday": "closed"}, {}, "exactly once"),
        ({"someday": "closed"}, {}, "'someday' is no day"),
        ({"every day": "8-12"}, {}, "write hours as"),
        ({"every day": "08:00-08:00"}, {}, "not empty"),
        ({"every day": "08:00-25:00"}, {}, "within 00:00-24:00"),
        ({"every day": "08:00-12:00, 11:00-13:00"}, {}, "overlap"),
        ({"every day": "08:00-12:00"}, {"holidays": "short"}, "write hours as"),
        ({"every day": "08:00-12:00"}, {"periods": {"ramadan": "closed"}}, "no period 'ramadan'"),
    ],
)
def test_a_calendar_that_does_not_parse_says_which_and_why(
    week: dict[str, str], more: Mapping[str, object], why: str
) -> None:
    file = HoursFile.model_validate({"calendars": {"desk": {"title_fa": "…", "week": week, **more}}})
    with pytest.raises(ValueError, match=f"calendar desk: .*{why}"):
        calendars(file, {})


def test_a_period_may_run_over_the_end_of_the_year() -> None:
    desk = CalendarIn(title_fa="…", week={"every day": "08:00-16:00"}, periods={"turn": "08:00-09:00"})
    file = HoursFile(calendars={"desk": desk}, periods={"turn": PeriodIn(title_fa="…", first="12-25", last="01-05")})
    hours = calendars(file, {})["desk"]
    ten = [f"2026-03-{day}T10:00:00" for day in (15, 16, 25, 26)]  # 24 and 25 Esfand, 5 and 6 Farvardin
    assert [is_open(hours, at(text)) for text in ten] == [True, False, False, True]


def test_time_is_never_taken_away_and_never_endless() -> None:
    with pytest.raises(ValueError, match="never taken away"):
        add_working(OFFICE, FIRST, -1)
    desk = CalendarIn(title_fa="…", week={"every day": "08:00-16:00"}, periods={"year": "closed"})
    file = HoursFile(calendars={"desk": desk}, periods={"year": PeriodIn(title_fa="…", first="01-01", last="12-30")})
    with pytest.raises(ValueError, match="do not fit"):
        add_working(calendars(file, {})["desk"], FIRST, 1)
