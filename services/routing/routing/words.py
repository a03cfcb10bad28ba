"""The words of a case for full-text search: folded, each once, and the marks of its day, week and unit beside them.

A mark is a word that nobody can type (it begins with `@`). With the marks of days and weeks a search walks back in
time, span by span, and stops when its page is full: a word that a third of a million cases hold costs no more than
a rare one. The mark of the unit lets staff search their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from common.folding import fold

LONGEST_WORD = 24
MOST_WORDS = 200  # of a case
MOST_ASKED = 12  # words of a search
# In most texts, so that they part nothing; folded. A search leaves them out too.
SAY_LITTLE = frozenset(
    "از به در با که را این ان است برای تا هم یا بر هر شده شود کنید لطفا سلام ما من شما هست بود دارد".split()
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks for: all of `words`, and a word that is `last` or, where it is one of letters, begins so."""

    words: Sequence[str]
    last: str

    @property
    def completes(self) -> bool:
        """Whether the last word may go on."""
        return len(self.last) > 1 and not self.last.isdigit()


def words_of(text: str, address: str | None = None) -> list[str]:
    """The words of a text and of the address beside it, at most 200, each once; 15-50 µs for 200 letters."""
    return words_in(fold(text), address)


def words_in(folded: str, address: str | None = None) -> list[str]:
    """As `words_of`, for a text that is folded already."""
    words = folded.split() + (fold(address).split() if address else [])
    return list(dict.fromkeys(_kept(words)))[:MOST_WORDS]


def wanted(question: str) -> Wanted | None:
    """The words of a search; None when it has no word to search by."""
    folded = fold(question).split()
    words = list(dict.fromkeys(_kept(folded[:-1])))[:MOST_ASKED]
    last = [word for word in folded[-1:] if _tells(word)]
    if last:
        return Wanted(words, last[0][:LONGEST_WORD])
    return Wanted(words[:-1], words[-1]) if words else None


def tsquery(wanted: Wanted, endings: Iterable[str] = (), units: Iterable[str] | None = None) -> str:
    """The question as PostgreSQL's tsquery; `endings` are the words that begin as the last one does."""
    last = _any([wanted.last, *endings])
    scope = [_any(map(unit_mark, sorted(units)))] if units is not None else []
    return " & ".join([*map(_quoted, wanted.words), last, *scope])


def tsvector(words: Iterable[str], unit: str, received_at: datetime) -> str:
    """The words and marks of a case as PostgreSQL's tsvector; without positions, for only presence is asked."""
    day = received_at.astimezone(UTC).date().toordinal()
    return " ".join([*words, unit_mark(unit), f"@d{day}", f"@w{day // 7}"])


def unit_mark(unit: str) -> str:
    """The mark of a unit."""
    return f"@{unit}"


def spans(newest: date, oldest: date) -> list[str]:
    """The marks that cover the time back from a day, newest first: the days of its week, then whole weeks."""
    day, week = newest.toordinal(), newest.toordinal() // 7
    days = [f"@d{number}" for number in range(day, week * 7 - 1, -1)]
    return days + [f"@w{number}" for number in range(week - 1, oldest.toordinal() // 7 - 1, -1)]


def _kept(words: Iterable[str]) -> Iterable[str]:
    return filter(None, map(_searched, words))


@lru_cache(maxsize=16_384)  # words, some 3 MB; most of a text were met before
def _searched(word: str) -> str:
    """The word as it is stored; nothing where it parts nothing."""
    return word[:LONGEST_WORD] if _tells(word) and word not in SAY_LITTLE else ""


def _tells(word: str) -> bool:
    return word.isalnum() and (len(word) > 1 or word.isdigit())


def _any(words: Iterable[str]) -> str:
    return "(" + " | ".join(dict.fromkeys(map(_quoted, words))) + ")"


def _quoted(word: str) -> str:
    return f"'{word}'"
