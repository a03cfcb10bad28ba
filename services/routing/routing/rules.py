"""Rules as data: of an ordered list the first that fits says the unit, and may say urgency and deadline. Values only.

A rule set is a table, not a language (ADR 10). Each value of each condition has a bit mask with one bit per rule, so
that a decision is ten look-ups and the lowest bit of what is left, however many rules there are.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

from common.calendar import TEHRAN, ShiftName
from common.events import Channel, Kind

from routing.city import TRIAGE, Topic
from routing.hours import day_number
from routing.sla import Terms
from routing.units import heir

BY_TOPIC = "topic"  # the unit follows from the topic's level in the catalogue, and the place
REGION, REGION_ON_CALL, NAHIYE = "region-{region}", "region-{region}-oncall", "nahiye-{region}-{nahiye}"
TEMPLATES = (BY_TOPIC, REGION, REGION_ON_CALL, NAHIYE)
SHIFTS = tuple(ShiftName)  # morning, noon, night
FRIDAY = 6  # of `day_number`, modulo 7
_MORNING = datetime(2000, 1, 1, 7, tzinfo=TEHRAN)  # day 0 begins with its morning shift, and so ends with its night
_SHIFT_SECONDS = 8 * 3600
_REGION_CODE, _NAHIYE_CODE = re.compile(r"region-(\d+)"), re.compile(r"nahiye-(\d+)-(\d+)")

_NO_TOPIC = "which decides where no topic names a unit"
_NO_REGION = "since it needs a region and none is known"
_NO_UNIT = "since the city has no such unit"


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at. `group` is the topic's deputy; `at` (aware) is when it happened: shifts go by it."""

    topic: str | None
    group: str | None
    region: int | None
    nahiye: int | None
    kind: Kind
    channel: Channel
    urgent: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class When:
    """What a rule asks for, all of it together; None asks for nothing. None in a set means "not known".

    The days are those on which a shift began: the night of `last` runs into the morning after.
    """

    topics: frozenset[str | None] | None = None
    groups: frozenset[str] | None = None
    regions: frozenset[int | None] | None = None
    nahiye: frozenset[tuple[int, int]] | None = None  # region, nahiye
    kinds: frozenset[Kind] | None = None
    channels: frozenset[Channel] | None = None
    urgent: bool | None = None
    shifts: frozenset[ShiftName] | None = None
    holiday: bool | None = None  # an official holiday or a Friday
    first: date | None = None
    last: date | None = None

    def within(self, day: int) -> bool:
        """Whether a day (of `day_number`) lies in the period."""
        begun = self.first is None or day_number(self.first) <= day
        return begun and (self.last is None or day <= day_number(self.last))


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. `unit` is a unit's code or one of TEMPLATES; None leaves urgency or deadline as it is."""

    name: str
    unit: str
    when: When = When()
    urgent: bool | None = None
    deadline: Terms | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that fitted, the unit that follows from it here, and why it is this one."""

    rule: Rule
    unit: str
    why: str

    @property
    def because(self) -> str:
        """As a decision's reason."""
        return f"rule “{self.rule.name}”: {self.unit}, {self.why}"


@dataclass(frozen=True)
class Known:
    """What rules may name: topics and units by code (those on call too), and the holidays as `day_number`."""

    topics: Mapping[str, Topic]
    units: frozenset[str]
    holidays: frozenset[int]
    former: bool = False  # rules may also name what the city has no more

    @cached_property
    def groups(self) -> frozenset[str]:
        """The deputies of the catalogue."""
        return frozenset(topic.deputy for topic in self.topics.values())

    @cached_property
    def regions(self) -> frozenset[int]:
        """Numbers of the regions that are units."""
        return frozenset(int(found[1]) for found in map(_REGION_CODE.fullmatch, self.units) if found)

    @cached_property
    def nahiye(self) -> frozenset[tuple[int, int]]:
        """Region and number of each nahiye that is a unit."""
        return frozenset((int(found[1]), int(found[2])) for found in map(_NAHIYE_CODE.fullmatch, self.units) if found)

    def is_holiday(self, day: int) -> bool:
        """Whether a day is a Friday or an official holiday."""
        return day % 7 == FRIDAY or day in self.holidays


@dataclass(frozen=True)
class RuleSet:
    """Rules in their order; the last fits everything. `unproven`: those of which it is not known if they ever fit."""

    rules: tuple[Rule, ...]
    known: Known = field(repr=False, compare=False)
    unproven: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """ValueError unless the last rule fits everything."""
        if not self.rules or self.rules[-1].when != When():
            raise ValueError("the last rule must fit everything")

    def first_match(self, facts: Facts) -> Match:
        """The first rule that fits, and its unit."""
        rule = self.rules[self._index.first(facts, self.known)]
        unit, why = self._unit(rule.unit, facts)
        return Match(rule, unit, why)

    @cached_property
    def _index(self) -> "_Index":
        return _Index.of(self.rules)

    def _unit(self, template: str, facts: Facts) -> tuple[str, str]:
        if template == BY_TOPIC:
            return self._by_topic(facts)
        if "{" not in template:
            acting = heir(template, self.known.units)
            return acting, "which it names" if acting == template else f"{_NO_UNIT} as {template} any more"
        return self._of_place(template, facts, "of its place")

    def _by_topic(self, facts: Facts) -> tuple[str, str]:
        """By the topic's level: a desk of HQ, the region, or the nahiye."""
        topic = self.known.topics.get(facts.topic or "")
        if topic is None or topic.unit == "none":
            return TRIAGE, _NO_TOPIC
        if topic.level == "hq":
            return f"hq-{topic.unit}", "which handles this topic at HQ"
        return self._of_place(
            REGION if topic.level == "region" else NAHIYE, facts, "of its place, by the topic's level"
        )

    def _of_place(self, template: str, facts: Facts, why: str) -> tuple[str, str]:
        """The region takes what has no nahiye, the HQ triage desk what has no region."""
        if facts.region is None:
            return TRIAGE, _NO_REGION
        form = REGION if template == NAHIYE and facts.nahiye is None else template
        unit = form.format(region=facts.region, nahiye=facts.nahiye)
        return (unit, why) if unit in self.known.units else (TRIAGE, _NO_UNIT)


@dataclass(frozen=True, slots=True)
class Moved:
    """A case that another rule set gives to another unit, and the rule that does."""

    code: str
    before: str
    after: str
    rule: str


def preview(old: RuleSet, new: RuleSet, cases: Iterable[tuple[str, Facts]]) -> list[Moved]:
    """The cases, by code, that `new` would move, in their order."""
    matches = ((code, old.first_match(facts), new.first_match(facts)) for code, facts in cases)
    return [
        Moved(code, before.unit, after.unit, after.rule.name)
        for code, before, after in matches
        if before.unit != after.unit
    ]


def cuts(rules: Iterable[Rule]) -> list[int]:
    """The days, in order, on which a period begins or has just ended: between two of them no rule changes."""
    firsts = {day_number(rule.when.first) for rule in rules if rule.when.first}
    return sorted(firsts | {day_number(rule.when.last) + 1 for rule in rules if rule.when.last})


class _Masks(dict[Any, int]):
    """Of each value the rules, as bits, that allow it; of any other value those that do not ask."""

    def __init__(self, wanted: Iterable[frozenset[Any] | None]) -> None:
        bits = [(1 << n, values) for n, values in enumerate(wanted)]
        self._others = sum(bit for bit, values in bits if values is None)
        named = {value for _, values in bits if values is not None for value in values}
        super().__init__((one, sum(bit for bit, values in bits if values is None or one in values)) for one in named)

    def __missing__(self, value: Any) -> int:
        return self._others


@dataclass(frozen=True, slots=True)
class _Index:
    """The rules by each condition."""

    topics: _Masks
    groups: _Masks
    regions: _Masks
    nahiye: _Masks
    kinds: _Masks
    channels: _Masks
    urgent: _Masks
    shifts: _Masks
    holiday: _Masks
    cuts: Sequence[int]
    periods: Sequence[int]

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> Self:
        """Compile the rules."""
        whens = [rule.when for rule in rules]
        edges = cuts(rules)
        inside = [edges[0] - 1, *edges] if edges else [0]  # one day of each stretch
        return cls(
            topics=_Masks(when.topics for when in whens),
            groups=_Masks(when.groups for when in whens),
            regions=_Masks(when.regions for when in whens),
            nahiye=_Masks(when.nahiye for when in whens),
            kinds=_Masks(when.kinds for when in whens),
            channels=_Masks(when.channels for when in whens),
            urgent=_Masks(_either(when.urgent) for when in whens),
            shifts=_Masks(when.shifts for when in whens),
            holiday=_Masks(_either(when.holiday) for when in whens),
            cuts=edges,
            periods=[sum(1 << n for n, when in enumerate(whens) if when.within(day)) for day in inside],
        )

    def first(self, facts: Facts, known: Known) -> int:
        """Number of the first rule that fits."""
        since = facts.at - _MORNING
        day = since.days
        fits = (
            self.topics[facts.topic]
            & self.groups[facts.group]
            & self.regions[facts.region]
            & self.nahiye[facts.region, facts.nahiye]
            & self.kinds[facts.kind]
            & self.channels[facts.channel]
            & self.urgent[facts.urgent]
            & self.shifts[SHIFTS[since.seconds // _SHIFT_SECONDS]]
            & self.holiday[known.is_holiday(day)]
            & self.periods[bisect_right(self.cuts, day)]
        )
        return (fits & -fits).bit_length() - 1


def _either(wanted: bool | None) -> frozenset[bool] | None:
    return None if wanted is None else frozenset({wanted})
