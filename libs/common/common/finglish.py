"""Persian written in Latin letters ("dast forooshaye jeloye dar metro"), read as Persian for matching.

Latin letters do not say which of س ص ث was meant, and leave short vowels to taste. So a word is looked up by its sound:
among the words of data/words.txt with the same consonants, the one whose vowels fit best; then the same without an
ending ("-haye", "-esh"); and only then is it spelled out letter by letter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from common.lexicon import rows
from common.sounds import consonants, distance, latin_sounds, persian_sounds, spell

_WORD = re.compile(r"[a-z]+")
_LETTERS = re.compile(r"[a-z]")
_PERSIAN = re.compile(r"[\u0620-\u06d3\ufb50-\ufefc]")
_APOSTROPHES = re.compile(r"['’‘`ʼ]")
# Words that are frequent in English and mean nothing when read as Persian.
_ENGLISH = frozenset(
    "the is are was were of and for with this that there please from have has had will would should my our your their "
    "street road not it they we you he she at by an or as been which what when where who how can could".split()
)
_ENGLISH_SHARE = 0.2  # of the words; English prose has 35-45 % of them, Finglish under 5 %
_NEAR = 0.75  # the most that the vowels of a word may differ from what it is read as
_SURE = 0.15  # so near that no ending is tried
_ENDED = 0.4  # what an ending of one letter costs, so that a whole word is preferred; longer ones cost less
_RARE = 6e-5  # what each place further down the lists costs: 0.1 for a word that occurs twice in 600 messages
_LONG = 24  # letters; nothing longer is looked up or remembered
_ENDINGS = (
    ("haye", "های"), ("hai", "هایی"), ("hash", "هاش"), ("hast", "هاست"), ("ha", "ها"), ("aye", "های"),
    ("emun", "مون"), ("emoon", "مون"), ("etun", "تون"), ("etoon", "تون"), ("eshun", "شون"), ("eshoon", "شون"),
    ("tarin", "ترین"), ("tar", "تر"), ("esh", "ش"), ("ash", "ش"), ("sh", "ش"), ("am", "م"), ("et", "ت"), ("ye", ""),
    ("ei", "ه‌ای"), ("eh", "ه"), ("an", "ن"), ("id", "ید"), ("in", "ین"), ("im", "یم"), ("a", "ا"), ("i", "ی"),
    ("o", "و"), ("e", ""), ("y", ""),
)  # fmt: skip


class _Word(NamedTuple):
    spelling: str
    sounds: str
    cost: float  # what its place in the lists costs


def is_finglish(text: str) -> bool:
    """Whether most letters are Latin and the words are not English."""
    return latin_majority(text) and not _english(_latin(text))


def to_persian(text: str) -> str:
    """The text with its Latin words in Persian letters, lower-cased else; English is left as it is.

    Total on any Unicode. A word becomes at most three times as long.
    """
    lowered = _latin(text)
    return lowered if _english(lowered) else _WORD.sub(lambda found: _read(found[0]), lowered)


def known_words(text: str) -> str:
    """The text with those Latin words in Persian letters that the word lists know: "پارک laleh" and no more."""
    return _WORD.sub(lambda found: _known(found[0]) or found[0], _latin(text))


def latin_majority(text: str) -> bool:
    """Whether a text has more Latin than Persian letters."""
    return len(_LETTERS.findall(text.lower())) > len(_PERSIAN.findall(text))


def _latin(text: str) -> str:
    return _APOSTROPHES.sub("", text.lower())


def _english(lowered: str) -> bool:
    words = _WORD.findall(lowered)
    return sum(word in _ENGLISH for word in words) > _ENGLISH_SHARE * len(words)


def _read(word: str) -> str:
    return spell(word) if len(word) > _LONG else _remembered(word)


@lru_cache(maxsize=4_096)
def _remembered(word: str) -> str:
    return _short_forms().get(word) or _by_sound(word) or _with_prefix(word) or spell(word)


def _known(word: str) -> str | None:
    if len(word) > _LONG or len(word) < 3:
        return None
    return _short_forms().get(word) or _by_sound(word)


def _by_sound(word: str) -> str | None:
    """The word of the lists that sounds most alike, whole or with an ending; None when none is near."""
    return min(_candidates(word), default=(_NEAR, None))[1]


def _candidates(word: str) -> Iterator[tuple[float, str | None]]:
    if found := _nearest(word):
        yield found
        if found[0] < _SURE:
            return
    for ending, persian in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and (found := _nearest(stem)):
            yield found[0] + _ENDED / len(ending), found[1] + persian


def _nearest(word: str) -> tuple[float, str] | None:
    sounds = latin_sounds(word)
    alike = _lexicon().get(consonants(sounds), ())
    costs = [(distance(sounds, other.sounds) + other.cost, other.spelling) for other in alike]
    return min((cost for cost in costs if cost[0] < _NEAR), default=None)


def _with_prefix(word: str) -> str | None:
    """A verb that is not in the lists: its می or نمی known, the rest by sound or letter by letter."""
    for prefix, persian in (("nemi", "نمی"), ("mi", "می")):
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) > 1:
            return f"{persian}\u200c{_by_sound(rest) or spell(rest)}"
    return None


@cache
def _short_forms() -> Mapping[str, str]:
    return {row[0]: row[1] for row in rows("finglish")}


@cache
def _lexicon() -> Mapping[str, Sequence[_Word]]:
    """Consonants → the words that have them, the likelier first."""
    lexicon: dict[str, list[_Word]] = {}
    words = [word for row in rows("words") for word in row]
    parts = [part for word in words for part in word.split("\u200c") if len(part) > 2]
    spellings = dict.fromkeys([*words, *_verbs(), *parts])
    for rank, spelling in enumerate(spellings):
        word = _Word(spelling, persian_sounds(spelling), rank * _RARE)
        for key in {consonants(word.sounds), consonants(word.sounds.replace("H", "h"))}:
            lexicon.setdefault(key, []).append(word)
    return lexicon


def _verbs() -> Iterator[str]:
    for stem in (word for row in rows("stems") for word in row):
        for prefix in ("می", "نمی", "ب", "ن"):
            yield from (prefix + stem + ending for ending in ("م", "ی", "ه", "یم", "ین", "ید", "ن", "ند", "د"))
