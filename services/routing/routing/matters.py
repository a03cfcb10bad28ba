"""What a message is about, its place words left out, in a form small enough to keep and fast to compare.

A text becomes a set of marks, one a word: a 32-bit hash whose last three bits are the word's aspect. Synonyms
(data/matters.csv) have one mark; words outside the list have aspect 0 and count only where texts are nearly the same.
The list also has the words that say nothing, and those after which a name stands, with a title between them or not.
Kept marks outlive an edit of the list, for they are made of words, not of line numbers.
"""

import csv
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from zlib import crc32

from common.folding import fold

ASPECTS = ("word", "thing", "animal", "which", "state", "fault")
_ASPECT = 7  # the bits that hold it
_TELLS_APART = 0b001110  # a thing, an animal or a sign on both sides, and never the same: two matters
_NAMES = 0b001110
_SAME_WORDS = 0.8  # of the shorter text; then the texts say the same, whatever is in the list
_FEWEST = 4  # words that such a share must rest on
_MOST = 64  # marks of a text that are kept: 256 bytes
_MOST_WORDS = 16_384  # whose marks are remembered
_LONG = 24

_NOTHING, _PLACE, _TITLE = 0, -1, -2
_MEANINGS = {"empty": _NOTHING, "place": _PLACE, "title": _TITLE}
_ENDINGS = ("هایی", "های", "هاش", "هاشو", "ها", "ای", "ان", "مان", "مون", "تون", "شون", "رو", "ی", "ا", "ش", "م", "و")


class Agreement(Enum):
    """Whether two texts are about one matter."""

    AGREE = "agree"
    UNSURE = "unsure"
    DIFFER = "differ"


@dataclass(frozen=True, slots=True)
class Matter:
    """The marks of a text, and which aspects they have, one bit each."""

    marks: frozenset[int]
    aspects: int

    @classmethod
    def of(cls, text: str) -> "Matter":
        """The matter of a text as the citizen wrote it."""
        return cls.folded(fold(text))

    @classmethod
    def folded(cls, text: str) -> "Matter":
        """The matter of a text that `common.folding.fold` gave."""
        return cls._with(list(dict.fromkeys(_marks(text.split())))[:_MOST])

    @classmethod
    def unpacked(cls, kept: bytes) -> "Matter":
        """The matter that `packed` gave; struct.error for other bytes."""
        return cls._with(struct.unpack(f"<{len(kept) // 4}I", kept))

    @classmethod
    def _with(cls, marks: Iterable[int]) -> "Matter":
        found = frozenset(marks)
        return cls(found, _aspects(found))

    @property
    def packed(self) -> bytes:
        """Four bytes a mark, 256 at most, for a row."""
        return struct.pack(f"<{len(self.marks)}I", *sorted(self.marks))


def agreement(one: Matter, other: Matter) -> Agreement:
    """Whether two texts are about one matter: the same thing and no contradiction, or nearly the same words."""
    shared = one.marks & other.marks
    fewest = min(len(one.marks), len(other.marks))
    if fewest >= _FEWEST and len(shared) >= _SAME_WORDS * fewest:
        return Agreement.AGREE
    common = _aspects(shared)
    apart = one.aspects & other.aspects & ~common
    if apart & _TELLS_APART:
        return Agreement.DIFFER
    return Agreement.AGREE if common & _NAMES and apart <= 1 else Agreement.UNSURE


def _aspects(marks: Iterable[int]) -> int:
    found = 0
    for mark in marks:
        found |= 1 << (mark & _ASPECT)
    return found


def _marks(words: Iterable[str]) -> Iterable[int]:
    """The marks of folded words; digits, place words and the name after one have none."""
    meanings, in_name = _meanings(), False
    for word in words:
        meaning = meanings[word]
        if meaning == _PLACE:
            in_name = True
        elif in_name:
            in_name = meaning == _TITLE
            if meaning > 0 and meaning & _ASPECT:
                yield meaning  # «سر کوچه چاله هست»: no name
        elif meaning > 0:
            yield meaning


class _Meanings(dict[str, int]):
    """What each folded word becomes: a mark, or one of the three above. Words met before are remembered."""

    def __init__(self, known: Mapping[str, int]) -> None:
        super().__init__(known)
        self._known = known

    def __missing__(self, word: str) -> int:
        meaning = self._looked_up(word)
        if len(word) <= _LONG:
            if len(self) >= _MOST_WORDS:
                self.clear()
                self.update(self._known)
            self[word] = meaning
        return meaning

    def _looked_up(self, word: str) -> int:
        """By the list, with an ending or without; else its own hash. A number or a letter is nothing."""
        if len(word) < 2 or word.isdigit():
            return _NOTHING
        stems = [word[: -len(end)] for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 2]
        for stem in stems:
            if stem in self._known:
                return self._known[stem]
        return _hash(stems[0] if stems and len(stems[0]) > 2 else word, 0)


@cache
def _meanings() -> _Meanings:
    text = (files("routing") / "data" / "matters.csv").read_text(encoding="utf-8")
    known: dict[str, int] = {}
    for row in csv.DictReader(text.splitlines()):
        meaning = _MEANINGS.get(row["aspect"])
        mark = _hash(fold(row["matter"]), ASPECTS.index(row["aspect"])) if meaning is None else meaning
        known |= dict.fromkeys(map(fold, row["words"].split()), mark)
    return _Meanings(known)


def _hash(word: str, aspect: int) -> int:
    return crc32(word.encode()) & ~_ASPECT & 0xFFFFFFFF | aspect
