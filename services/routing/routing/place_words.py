"""What a text says of its place: a region's number, or neighbourhoods, squares, streets and landmarks."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says of its place."""

    region: int | None = None
    nahiye: int | None = None
    because: str = "the text names no place"
    exact: bool = False  # the region's own number is there
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
    names: list[Name] = field(default_factory=list)
    regions: set[int] = field(default_factory=set)
    nahiye: set[int] = field(default_factory=set)
    placed: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class PlaceReader:
    """Reads texts: one look-up for each word."""

    heads: Mapping[str, Tails]

    @classmethod
    def load(cls) -> Self:
        """With the gazetteer of `data/`."""
        return cls(read_gazetteer())

    def read(self, folded: str) -> Reading:
        """What a folded text says of its place, in one pass over its words."""
        found = _Found(folded.split())
        heads, after = self.heads, 0
        for at, word in enumerate(found.words):
            if at >= after and (word in heads or word in _NUMBERED):
                after = at + self._take(found, at)
        return _settle(found) if found.placed else Reading(words=found.words)

    def _take(self, found: _Found, at: int) -> int:
        """Note what begins at a word; how many words it has, 0 for nothing."""
        size = _numbered(found, at) or self._named(found, at)
        found.placed.update(range(at, at + size))
        return size

    def _named(self, found: _Found, at: int) -> int:
        for tail, names in self.heads.get(found.words[at], ()):
            end = at + 1 + len(tail)
            name = _fitting(names, found.words, at) if found.words[at + 1 : end] == tail else None
            if name and not _denied(found.words, at, end):
                found.names.append(name)
            if name:
                return end - at
        return 0


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


def _fitting(names: Iterable[Name], words: Sequence[str], at: int) -> Name | None:
    before = _before(words, at)
    return next((name for name in names if not name.needs or before in name.needs), None)


def _before(words: Sequence[str], at: int) -> str:
    """The word before a name, over titles: خیابان شهید دکتر بهشتی."""
    at -= 1
    while at > 0 and words[at] in _BETWEEN:
        at -= 1
    return words[at] if at >= 0 else ""


def _denied(words: Sequence[str], at: int, end: int) -> bool:
    return _before(words, at) in _OTHERS or (end < len(words) and words[end] in _DENIALS)


def _settle(found: _Found) -> Reading:
    region, because, exact = _number(found.regions) if found.regions else _place(found.names)
    nahiye = next(iter(found.nahiye)) if len(found.nahiye) == 1 else None
    elsewhere = [name for name in found.names if region not in name.regions] if exact and region else []
    return Reading(
        region,
        nahiye,
        because,
        exact,
        doubt=f"the text says region {region}, yet names {_listed(elsewhere)}" if elsewhere else None,
        names=tuple(name.name for name in found.names),
        words=found.words,
        placed=found.placed,
    )


def _number(regions: Set[int]) -> tuple[int | None, str, bool]:
    if len(regions) > 1:
        return None, f"the text says regions {', '.join(map(str, sorted(regions)))}", False
    region = next(iter(regions))
    return region, f"the text says region {region}", True


def _place(names: Sequence[Name]) -> tuple[int | None, str, bool]:
    """The one region that all names may lie in, when one of them decides or no other is left."""
    if not names:
        return None, "the text names no place for sure", False
    common = reduce(lambda left, name: left & name.regions, names, frozenset(REGIONS))
    decided = {name.region for name in names if name.region in common}
    choice = common if len(common) == 1 else decided
    if len(choice) == 1:
        region = next(iter(choice))
        return region, f"the text names {_listed(names)}: region {region}", False
    why = "which crosses regions" if common else "in different regions"
    return None, f"the text names {_listed(names)}, {why}", False


def _listed(names: Iterable[Name]) -> str:
    return ", ".join(dict.fromkeys(name.name for name in names))
