"""Finds many listed phrases in a text at once: one walk over its words, no pass per phrase.

A phrase is words in order. ``(a|b c)`` is one of the given, ``word*`` any word that begins so, ``..`` stands for up to
three words. Texts and phrases must be folded alike (``common.folding.fold``).

The phrases form a tree whose branches are the places of a phrase. Which places a word can take is worked out once per
word and remembered, so most words of a text, which are in no phrase, cost one look-up.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

GAP = ".."
_REACH = 4  # a ".." lets the next word be one of the four that follow
_REMEMBERED = 16_384  # words; 3 MB
_STEM = 2  # letters by which beginnings are looked up, so none may be shorter
_PIECE = re.compile(r"\(([^)]*)\)|(\S+)")

Found = tuple[str, int, int]
"""The name a phrase is listed under, and where its words begin and end in the text."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a phrase: the words that may stand there, the beginnings that may, and if words may come before."""

    words: frozenset[str]
    stems: tuple[str, ...] = ()
    after_gap: bool = False


@dataclass(slots=True)
class _Branch:
    """What has been read of some phrases: the names of those that end here, and by place where the others go on."""

    names: list[str] = field(default_factory=list)
    next: dict[int, "_Branch"] = field(default_factory=dict)
    at_once: set[int] = field(default_factory=set)
    later: set[int] = field(default_factory=set)

    def grow(self, number: int, *, after_gap: bool) -> "_Branch":
        (self.later if after_gap else self.at_once).add(number)
        return self.next.setdefault(number, _Branch())


_Taken = tuple[frozenset[int], tuple[_Branch, ...]]
"""The numbers of the places that a word can stand in, and the branches that begin with it."""
_END: _Taken = (frozenset(), ())


class PhraseTable:
    """Phrases given as ``{name: "phrase, phrase, …"}``; made once, then only read.

    Raises ValueError for a phrase of which folding leaves nothing.
    """

    def __init__(self, listed: Mapping[str, str], fold: Callable[[str], str]) -> None:
        self._root = _Branch()
        self._numbers: dict[Place, int] = {}
        for name, phrases in listed.items():
            for phrase in filter(str.strip, phrases.split(",")):
                for way in _read(phrase, fold):
                    self._add(name, way)
        self._by_word = _by_word(self._numbers)
        self._by_stem = _by_stem(self._numbers)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._takes)

    def find(self, words: Sequence[str]) -> list[Found]:
        """Every listed phrase in the words of a folded text, in the order of their first words."""
        takes = list(map(self._remembered, words))
        found: list[Found] = []
        takes.append(_END)
        for start, (_, begun) in enumerate(takes):
            for branch in begun:  # most begin with a common word, and the next word ends them: no call for these
                if branch.names or branch.later or not branch.at_once.isdisjoint(takes[start + 1][0]):
                    _walk(branch, takes, start, start + 1, found)
        return found

    def _takes(self, word: str) -> _Taken:
        stems = self._by_stem.get(word[:_STEM], ())
        begun = (number for stem, number in stems if word.startswith(stem))
        numbers = self._by_word.get(word, frozenset()).union(begun)
        return numbers, tuple(self._root.next[number] for number in sorted(numbers & self._root.at_once))

    def _add(self, name: str, way: Sequence[Place]) -> None:
        branch = self._root
        for place in way:
            number = self._numbers.setdefault(place, len(self._numbers))
            branch = branch.grow(number, after_gap=place.after_gap)
        if name not in branch.names:
            branch.names.append(name)


def _walk(branch: _Branch, takes: Sequence[_Taken], start: int, at: int, found: list[Found]) -> None:
    """Add the phrases that the text goes on to finish, when all before ``at`` has been read."""
    if branch.names:
        found.extend([(name, start, at) for name in branch.names])
    if branch.at_once and not branch.at_once.isdisjoint(takes[at][0]):
        for number in branch.at_once & takes[at][0]:
            _walk(branch.next[number], takes, start, at + 1, found)
    if branch.later:
        for here, (taken, _) in enumerate(takes[at : at + _REACH], at + 1):
            for number in () if branch.later.isdisjoint(taken) else branch.later & taken:
                _walk(branch.next[number], takes, start, here, found)


def _by_word(numbers: Mapping[Place, int]) -> Mapping[str, frozenset[int]]:
    by_word: dict[str, set[int]] = {}
    for place, number in numbers.items():
        for word in place.words:
            by_word.setdefault(word, set()).add(number)
    return {word: frozenset(taken) for word, taken in by_word.items()}


def _by_stem(numbers: Mapping[Place, int]) -> Mapping[str, list[tuple[str, int]]]:
    by_stem: dict[str, list[tuple[str, int]]] = {}
    for place, number in numbers.items():
        for stem in place.stems:
            by_stem.setdefault(stem[:_STEM], []).append((stem, number))
    return by_stem


def _read(phrase: str, fold: Callable[[str], str]) -> Iterator[tuple[Place, ...]]:
    """The places of a phrase; several rows, where a choice holds more than one word."""
    for way in product(*(_choices(options, fold) for options in _options(phrase))):
        yield _with_gaps([place for part in way for place in part])


def _options(phrase: str) -> list[list[str]]:
    """What may stand at each place. Plain words in a row are one place, since folding may join them."""
    places: list[list[str]] = []
    plain = False
    for found in _PIECE.finditer(phrase):
        word = found[2] if found[2] != GAP else None
        if plain and word:
            places[-1][0] += f" {word}"
        else:
            places.append(found[1].split("|") if found[1] else [found[0]])
        plain = bool(word) and not found[0].endswith("*")
    return places


def _choices(options: Sequence[str], fold: Callable[[str], str]) -> list[tuple[Place | None, ...]]:
    """The options of one place: those of one word together, each longer one by itself; None stands for ``..``."""
    if options == [GAP]:
        return [(None,)]
    folded = [(fold(option.replace("*", " ")).split(), option.endswith("*")) for option in options]
    if any(not words or (open_ended and len(words[-1]) < _STEM) for words, open_ended in folded):
        raise ValueError(f"too little is left of one of {options!r} in a phrase")
    words = frozenset(words[0] for words, open_ended in folded if len(words) == 1 and not open_ended)
    stems = tuple(sorted({words[0] for words, open_ended in folded if len(words) == 1 and open_ended}))
    longer = [_row(words, open_ended) for words, open_ended in folded if len(words) > 1]
    return [(Place(words, stems),), *longer] if words or stems else longer


def _row(words: Sequence[str], open_ended: bool) -> tuple[Place | None, ...]:
    last = Place(frozenset(), (words[-1],)) if open_ended else Place(frozenset(words[-1:]))
    return (*(Place(frozenset((word,))) for word in words[:-1]), last)


def _with_gaps(places: Sequence[Place | None]) -> tuple[Place, ...]:
    """The places without the None, each marked that comes after one; a phrase cannot begin with a gap."""
    return tuple(
        Place(place.words, place.stems, after_gap=at > 0 and places[at - 1] is None)
        for at, place in enumerate(places)
        if place is not None
    )
