"""Rules that can never fit, because those before them take all that they ask for. Values in, values out.

Exact, not a guess: what a rule asks for is a box, one set of values per condition, over everything that a case can
be; the boxes of the rules before it are cut out of it one by one, and nothing may be left. The work is bounded.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from itertools import product

from common.events import Channel, Kind

from routing.rules import SHIFTS, Known, Rule, When, cuts

WORK = 400_000  # comparisons of two boxes for a whole rule set: under a second
LONGEST_RUN = 60  # days; no run of holidays or of working days is longer
Box = tuple[int, ...]  # a bit mask of allowed values for each condition


@dataclass(frozen=True, slots=True)
class Shadow:
    """A rule, by its place in the order, that never fits, and the rules that take what it asks for (none: nothing
    can be what it asks for)."""

    rule: int
    taken_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Rules that never fit, and those of which the bounded work did not tell."""

    never: tuple[Shadow, ...]
    unproven: tuple[int, ...]


def shadows(rules: Sequence[Rule], known: Known, work: int = WORK) -> Findings:
    """Look at every rule but a last one that fits everything: it stays as the net, though nothing may reach it.

    Behind another rule that fits everything even that one is never reached, and is named.
    """
    space = _Space(known, tuple(cuts(rules)))
    boxes = [space.box(rule.when) for rule in rules]
    whole = [n for n, rule in enumerate(rules) if rule.when == When()]
    spared = whole[0] if whole and whole[0] == len(rules) - 1 else None
    looked_at = [n for n in range(len(rules)) if n != spared]
    found = [(n, *_taken(boxes[n], boxes[:n], work // len(rules))) for n in looked_at]
    return Findings(
        tuple(Shadow(n, tuple(sorted(by))) for n, verdict, by in found if verdict is _Verdict.TAKEN),
        tuple(n for n, verdict, _ in found if verdict is _Verdict.UNPROVEN),
    )


@dataclass(frozen=True)
class _Space:
    """All that a case can be, each condition's values in a list; what hangs together is one condition."""

    known: Known
    cuts: tuple[int, ...]

    def box(self, when: When) -> Box:
        """What a rule asks for."""
        return (
            _bits(_in(topic, when.topics) and _in(group, when.groups) for topic, group in self._matters),
            _bits(_in(place[0], when.regions) and _in(place, when.nahiye) for place in self._places),
            _bits(_in(kind, when.kinds) for kind in Kind),
            _bits(_in(channel, when.channels) for channel in Channel),
            _bits(when.urgent in (None, urgent) for urgent in (False, True)),
            _bits(_in(shift, when.shifts) for shift in SHIFTS),
            _bits(when.within(day) and when.holiday in (None, holiday) for day, holiday in self._days),
        )

    @cached_property
    def _matters(self) -> list[tuple[str | None, str | None]]:
        """Topic and group: a topic has its own group; without a topic the group may be known all the same."""
        topics = [(topic.code, topic.deputy) for topic in self.known.topics.values()]
        return [*topics, *((None, group) for group in sorted(self.known.groups)), (None, None)]

    @cached_property
    def _places(self) -> list[tuple[int | None, int | None]]:
        return [(None, None), *((region, None) for region in sorted(self.known.regions)), *sorted(self.known.nahiye)]

    @cached_property
    def _days(self) -> list[tuple[int, bool]]:
        """Each stretch of days, by its first, once with and once without holiday, where it has such days."""
        starts = [self.cuts[0] - LONGEST_RUN, *self.cuts] if self.cuts else [0]
        ends = [*self.cuts, starts[-1] + LONGEST_RUN]
        stretches = product(zip(starts, ends, strict=True), (False, True))
        return [(start, holiday) for (start, end), holiday in stretches if self._has(start, end, holiday)]

    def _has(self, start: int, end: int, holiday: bool) -> bool:
        return any(self.known.is_holiday(day) is holiday for day in range(start, min(end, start + LONGEST_RUN)))


class _Verdict(Enum):
    TAKEN = auto()
    REACHED = auto()
    UNPROVEN = auto()


def _taken(box: Box, earlier: Sequence[Box], work: int) -> tuple[_Verdict, frozenset[int]]:
    """Whether the earlier boxes take all of a box, and which of them were needed; the largest cuts come first."""
    if not all(box):
        return _Verdict.TAKEN, frozenset()
    pieces, by = [(box, list(enumerate(earlier)))], set[int]()
    while pieces:
        rest, others = pieces.pop()
        near = [(_size(rest, other), n, other) for n, other in others]
        near = sorted((one for one in near if one[0]), reverse=True)
        if not near:
            return _Verdict.REACHED, frozenset()
        if (work := work - len(others)) < 0:
            return _Verdict.UNPROVEN, frozenset()
        _, taker, cover = near[0]
        by.add(taker)
        left = [(n, other) for _, n, other in near[1:]]
        pieces += ((piece, left) for piece in _minus(rest, cover))
    return _Verdict.TAKEN, frozenset(by)


def _size(one: Box, other: Box) -> int:
    """How many combinations of values two boxes have in common."""
    size = 1
    for a, b in zip(one, other, strict=True):
        size *= (a & b).bit_count()
    return size


def _minus(box: Box, cover: Box) -> Iterator[Box]:
    """What is left of a box: at most one piece per condition, no two of which meet."""
    for n, allowed in enumerate(cover):
        if outside := box[n] & ~allowed:
            yield (*box[:n], outside, *box[n + 1 :])
        box = (*box[:n], box[n] & allowed, *box[n + 1 :])


def _in(value: object, wanted: Container[object] | None) -> bool:
    return wanted is None or value in wanted


def _bits(allowed: Iterable[bool]) -> int:
    return sum(1 << n for n, one in enumerate(allowed) if one)
