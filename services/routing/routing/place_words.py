"""What a text says of its place: a region's number, or neighbourhoods, squares, streets and landmarks."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Self

from routing.gazetteer import REGIONS, Name, Tails, read_gazetteer
from routing.numerals import number_at

_REGION = frozenset("منطقه mantaghe mantagheh mantaqe mantaqeh".split())
_NAHIYE = frozenset("ناحیه nahie nahiye nahieh".split())
_SHORT = "م"  # "م ۵", region 5
_NUMBERED = _REGION | _NAHIYE | {_SHORT}
_BETWEEN = frozenset("شهید دکتر ایت اله ایتاله استاد سردار حضرت سید ی".split())
# After these a name is not the place: alleys, shops and people are named after neighbourhoods everywhere.
_OTHERS = frozenset("کوچه بنبست بست مدرسه دبستان مسجد اقای خانم رستوران هتل فروشگاه بانک نانوایی kuche".split())
_DENIALS = frozenset("نیست نه نمیگم".split())
_PARTS = frozenset("کوچه خیابان خ نبش پلاک بالاتر پایینتر نرسیده پل".split())  # what an address goes on with
_OPENING = 1  # words before an address that begins a text: "سلام"
_LINES = frozenset("خط مسیر".split())
_TO = frozenset("به تا".split())
_UNSURE = "the text names no region"
_STATIONS = frozenset("میدان فلکه خیابان خ ایستگاه مترو پایانه ترمینال پل".split())  # "تا میدان ولیعصر"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says of its place."""

    region: int | None = None
    nahiye: int | None = None
    because: str = "the text names no place"
    exact: bool = False  # the region's own number is there
    possible: Set[int] = frozenset()  # the regions that all it names may lie in; empty when it names none, or disagrees
    doubt: str | None = None
    names: Sequence[str] = ()
    words: Sequence[str] = ()  # the text's, folded
    placed: Set[int] = frozenset()  # which of them belong to the name of a place

    @property
    def place_words(self) -> set[str]:
        """The words that belong to the name of a place."""
        return {self.words[at] for at in self.placed}

    @property
    def rest(self) -> str:
        """The folded text without the names of places."""
        return " ".join(word for at, word in enumerate(self.words) if at not in self.placed)


@dataclass(slots=True)
class _Found:
    """What one pass over a text gathers."""

    words: list[str]
    names: list[tuple[Name, int, int]] = field(default_factory=list)  # with its first word and the one after it
    regions: set[int] = field(default_factory=set)
    nahiye: set[int] = field(default_factory=set)
    placed: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class PlaceReader:
    """Reads texts: one look-up for each word."""

    heads: Mapping[str, Tails]
    begins: Set[str]  # the words that a place may begin with

    @classmethod
    def load(cls) -> Self:
        """With the gazetteer of `data/`."""
        heads = read_gazetteer()
        return cls(heads, _NUMBERED | heads.keys())

    def read(self, folded: str) -> Reading:
        """What a folded text says of its place, in one pass over its words."""
        words, begins = folded.split(), self.begins
        starts = [at for at, word in enumerate(words) if word in begins]
        if not starts:
            return Reading(words=words)
        found, after = _Found(words), 0
        for at in starts:
            if at >= after:
                after = at + self._take(found, at)
        return _settle(found) if found.placed else Reading(words=words)

    def _take(self, found: _Found, at: int) -> int:
        """Note what begins at a word; how many words it has, 0 for nothing."""
        size = _numbered(found, at) or self._named(found, at)
        found.placed.update(range(at, at + size))
        return size

    def _named(self, found: _Found, at: int) -> int:
        words = found.words
        for tail, names in self.heads.get(words[at], ()):
            end = at + 1 + len(tail)
            name = self._fitting(names, found, at, end) if words[at + 1 : end] == tail else None
            if name and not _denied(words, at, end):
                found.names.append((name, at, end))
            if name:
                return end - at
        return 0

    def _fitting(self, names: Iterable[Name], found: _Found, at: int, end: int) -> Name | None:
        """The first of the names that may stand here: alone, or after, before or between words for places."""
        before, words = _before(found.words, at), found.words
        line = before in _LINES and end < len(words) and (words[end] in _TO or words[end] in self.heads)
        here = line or _heads_an_address(words, at, end) or _ends_a_route(found, at)
        return next((name for name in names if not name.needs or here or before in name.needs), None)


def _numbered(found: _Found, at: int) -> int:
    """A region's or nahiye's number, with the word before it."""
    word, words = found.words[at], found.words
    if word not in _NUMBERED or (word == _SHORT and not _region_letter(words, at)):
        return 0
    ahead = 2 if words[at + 1 : at + 2] == ["شهرداری"] else 1
    number, size = number_at(words, at + ahead)
    if number:
        (found.nahiye if word in _NAHIYE else found.regions).add(number)
    return size and size + ahead


def _region_letter(words: Sequence[str], at: int) -> bool:
    """A lone م is a region before digits, and metres after them."""
    after_digits = at > 0 and words[at - 1].isdigit()
    return not after_digits and at + 1 < len(words) and words[at + 1].isdigit()


def _heads_an_address(words: Sequence[str], at: int, end: int) -> bool:
    """A name that begins the text, with an alley or the like after it: "کمیل کوچه نرگس"."""
    return at <= _OPENING and end < len(words) and words[end] in _PARTS


def _ends_a_route(found: _Found, at: int) -> bool:
    """A name after "to" after a name: "مسیر ونک به رسالت"."""
    return at > 1 and found.words[at - 1] in _TO and at - 2 in found.placed


def _before(words: Sequence[str], at: int) -> str:
    """The word before a name, over titles: خیابان شهید دکتر بهشتی."""
    at -= 1
    while at > 0 and words[at] in _BETWEEN:
        at -= 1
    return words[at] if at >= 0 else ""


def _denied(words: Sequence[str], at: int, end: int) -> bool:
    return _before(words, at) in _OTHERS or (end < len(words) and words[end] in _DENIALS)


def _settle(found: _Found) -> Reading:
    names = [name for name, _, _ in found.names]
    said = _number(found.regions, names) if found.regions else _place(_off_routes(found), names)
    nahiye = next(iter(found.nahiye)) if len(found.nahiye) == 1 else None
    named = tuple(name.name for name in names)
    return replace(said, nahiye=nahiye, names=named, words=found.words, placed=found.placed)


def _off_routes(found: _Found) -> list[Name]:
    """The names less the ends of a bus or taxi line, which say nothing of where the message is."""
    ends: set[int] = set()
    for index, ((_, start, end), (_, following, _)) in enumerate(zip(found.names, found.names[1:], strict=False)):
        between = found.words[end:following]
        to = bool(between) and between[0] in _TO and _STATIONS.issuperset(between[1:])
        if to or (not between and _before(found.words, start) in _LINES):
            ends |= {index, index + 1}
    return [name for index, (name, _, _) in enumerate(found.names) if index not in ends]


def _number(regions: Set[int], names: Iterable[Name]) -> Reading:
    if len(regions) > 1:
        return Reading(because=f"the text says regions {', '.join(map(str, sorted(regions)))}", possible=regions)
    region = next(iter(regions))
    elsewhere = [name for name in names if region not in name.regions]
    doubt = f"the text says region {region}, yet names {_listed(elsewhere)}" if elsewhere else None
    return Reading(region, None, f"the text says region {region}", exact=True, doubt=doubt, possible=regions)


def _place(names: Sequence[Name], all_names: Sequence[Name]) -> Reading:
    """The one region that all names may lie in; where streets disagree, the names that need no such word decide."""
    if not names:
        return Reading(because=f"the text names {_listed(all_names)}, the ends of a line" if all_names else _UNSURE)
    region, common = _agreed(names)
    if not common:
        region, common = _agreed([name for name in names if not name.needs])
    named = f"the text names {_listed(names)}"
    if region:
        return Reading(region, None, f"{named}: region {region}", possible=common)
    return Reading(because=f"{named}, {'which crosses regions' if common else 'in different regions'}", possible=common)


def _agreed(names: Sequence[Name]) -> tuple[int | None, Set[int]]:
    """The region that one of the names decides or that alone is left, and all that are left."""
    common = reduce(lambda left, name: left & name.regions, names, frozenset(REGIONS)) if names else frozenset()
    choice = common if len(common) == 1 else {name.region for name in names if name.region in common}
    return (next(iter(choice)) if len(choice) == 1 else None), common


def _listed(names: Iterable[Name]) -> str:
    return ", ".join(dict.fromkeys(name.name for name in names))
