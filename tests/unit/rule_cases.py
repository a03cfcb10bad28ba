"""A small city, random rules for it, and a slow reading of what rules mean."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, product
from typing import Any

from common.calendar import TEHRAN, ShiftName, shift_of
from common.events import Channel, Kind
from hypothesis import strategies as st
from routing.city import TRIAGE, Topic
from routing.hours import day_number
from routing.rules import TEMPLATES, Facts, Known, Rule, When
from routing.sla import CountedBy, Terms

FIRST = date(2026, 11, 24)  # a Tuesday
DAYS = [FIRST + timedelta(days=n) for n in range(-8, 18)]  # a whole week before and after every period
HOLIDAYS = [FIRST + timedelta(days=1), FIRST + timedelta(days=2), FIRST + timedelta(days=6)]
MATTERS = [("A", "one"), ("B", "one"), ("C", "two"), (None, "one"), (None, "two"), (None, None)]
PLACES = [(None, None), (1, None), (2, None), (1, 1), (1, 2), (2, 1)]
KINDS, CHANNELS = list(Kind), list(Channel)
CLOCK = {ShiftName.MORNING: 7, ShiftName.NOON: 15, ShiftName.NIGHT: 23}
UNITS = ["region-1", "region-2", "region-1-oncall", "nahiye-1-1", "nahiye-1-2", "nahiye-2-1", "hq-desk", TRIAGE]


def _topic(code: str, group: str, level: str) -> Topic:
    return Topic(code, code, code, group, "desk", level, False, 24)


TOPICS = {"A": _topic("A", "one", "nahiye"), "B": _topic("B", "one", "region"), "C": _topic("C", "two", "hq")}
KNOWN = Known(TOPICS, frozenset(UNITS), frozenset(map(day_number, HOLIDAYS)))


def some(values: Sequence[Any]) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(values), min_size=1)


CONDITIONS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "matter": {"topics": some(["A", "B", "C", None]), "groups": some(["one", "two"])},
    "place": {"regions": some([1, 2, None]), "nahiye": some([(1, 1), (1, 2), (2, 1)])},
    "kind": {"kinds": some(KINDS)},
    "channel": {"channels": some(CHANNELS)},
    "urgent": {"urgent": st.booleans()},
    "shift": {"shifts": some(list(ShiftName))},
    "day": {"first": st.sampled_from(DAYS[8:-8]), "last": st.sampled_from(DAYS[8:-8]), "holiday": st.booleans()},
}
VALUES: dict[str, Sequence[Any]] = {
    "matter": MATTERS,
    "place": PLACES,
    "kind": KINDS,
    "channel": CHANNELS,
    "urgent": [False, True],
    "shift": list(ShiftName),
    "day": DAYS,
}


def whens(*dimensions: str) -> st.SearchStrategy[When]:
    """One to three conditions on these dimensions; a period never ends before it begins."""
    fields = {name: value for one in dimensions for name, value in CONDITIONS[one].items()}
    chosen = [names for size in (1, 2, 3) for names in combinations(fields, size)]
    made = st.sampled_from(chosen).flatmap(lambda names: st.fixed_dictionaries({name: fields[name] for name in names}))
    return made.map(lambda given: When(**given)).filter(lambda when: (when.first or DAYS[0]) <= (when.last or DAYS[-1]))


@st.composite
def rule_lists(draw: st.DrawFn, *dimensions: str, most: int = 6) -> list[Rule]:
    """Rules in an order, the last of them without conditions."""
    conditions = draw(st.lists(whens(*dimensions), max_size=most))
    outcomes = st.tuples(st.sampled_from([*TEMPLATES, *UNITS]), st.none() | st.booleans(), _deadlines, _notes)
    given = [(f"قاعدهٔ {n}", when, *draw(outcomes)) for n, when in enumerate([*conditions, When()])]
    return [Rule(name, unit, when, urgent, deadline, note) for name, when, unit, urgent, deadline, note in given]


_deadlines = st.none() | st.builds(
    lambda respond, more, by: Terms(respond, respond + more, by),
    st.integers(1, 999),
    st.integers(0, 999),
    st.sampled_from(list(CountedBy)),
)
_notes = st.none() | st.sampled_from(["شب‌ها: کشیک", "no", "# not a comment", "a: b, [c] {d} 'e' \"f\" & *g", "5-2"])
_edges = [
    datetime(2026, 11, 25, hour, minute, tzinfo=TEHRAN) for hour in (0, 6, 7, 14, 15, 22, 23) for minute in (0, 59)
]
_start, _minutes = datetime(2026, 11, 15, tzinfo=UTC), st.integers(0, 30 * 1440)
moments = _minutes.map(lambda minutes: _start + timedelta(minutes=minutes)) | st.sampled_from(_edges)
facts = st.builds(
    lambda matter, place, others: Facts(matter[0], matter[1], place[0], place[1], *others),
    st.sampled_from(MATTERS),
    st.sampled_from(PLACES),
    st.tuples(st.sampled_from(KINDS), st.sampled_from(CHANNELS), st.booleans(), moments),
)


def every_case(*dimensions: str) -> Iterator[Facts]:
    """All that a case can be in these dimensions; in the others one thing."""
    names = list(VALUES)
    for chosen in product(*(VALUES[name] if name in dimensions else VALUES[name][:1] for name in names)):
        one = dict(zip(names, chosen, strict=True))
        at = datetime.combine(one["day"], datetime.min.time(), TEHRAN) + timedelta(hours=CLOCK[one["shift"]])
        (topic, group), (region, nahiye) = one["matter"], one["place"]
        yield Facts(topic, group, region, nahiye, one["kind"], one["channel"], one["urgent"], at)


def fits(when: When, case: Facts) -> bool:
    """What the conditions mean, one by one."""
    shift = shift_of(case.at)
    holiday = shift.day.strftime("%A") == "Friday" or shift.day in HOLIDAYS
    return all(
        (
            when.topics is None or case.topic in when.topics,
            when.groups is None or case.group in when.groups,
            when.regions is None or case.region in when.regions,
            when.nahiye is None or (case.region, case.nahiye) in when.nahiye,
            when.kinds is None or case.kind in when.kinds,
            when.channels is None or case.channel in when.channels,
            when.urgent is None or case.urgent == when.urgent,
            when.shifts is None or shift.name in when.shifts,
            when.holiday is None or holiday == when.holiday,
            when.first is None or shift.day >= when.first,
            when.last is None or shift.day <= when.last,
        )
    )
