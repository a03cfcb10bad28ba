"""Persian text for matching: one form for every way a citizen writes it.

`common.persian.normalise` is for storing and keeps what was typed; `fold` is for comparing and keeps only what tells
words apart. The classifier, the gazetteer, the duplicate search and the full-text search all see folded text.

| What is written                          | becomes                | why                                             |
|------------------------------------------|------------------------|-------------------------------------------------|
| ي ى ې ئ, ی with a hamza above            | ی                      | آئین = آیین, رئیس = رییس                        |
| ك ڪ                                      | ک                      | Arabic keyboards                                |
| آ أ إ ٱ, ا with a mark above             | ا                      | half of all writers type آ as ا                 |
| ؤ                                        | و                      | مؤسسه = موسسه                                   |
| ة ۀ ہ ھ ە, ه with a hamza above          | ه                      | خانۀ = خانه                                     |
| ه and ی apart (ه‌ی, ه ی)                  | ه                      | the ezafe: خانه‌ی ما = خانه ما                   |
| ء, diacritics, kashida, bidi, ZWJ, BOM   | nothing                | they carry no letter: املاء = املا              |
| presentation forms, full width, ² ⓐ      | the plain letter       | NFKC; signs of over three letters become a space |
| الله                                     | اله                    | آیت‌الله = آیت‌اله, and ﷲ                         |
| a letter three times or more             | once                   | خیلیییی = خیلی                                  |
| وو                                       | و                      | داوود = داود                                    |
| digits of any script                     | 0-9                    | and parted from letters: پلاک۳ = پلاک 3         |
| Latin                                    | lower case, no accents | then Persian, where it is Finglish              |
| apostrophes, ٬                           | nothing                | sa'adat = saadat; ۱٬۰۰۰ = 1000                  |
| other marks, symbols, emoji, line breaks | one space              |                                                 |
| ZWNJ                                     | nothing                | a space before است, شده: خم‌شده = خم شده        |
| می نمی بی and a word                     | joined                 | می کند = می‌کند = میکند                          |
| a word and ها های تر ترین مون مان …      | joined                 | کوچه ها = کوچه‌ها = کوچهها                       |
| a word in ه and ام ای اند …              | joined                 | شده اند = شده‌اند                                |
| the compounds of data/compounds.txt      | joined                 | پیاده رو = پیاده‌رو = پیادهرو                    |
| the variants of data/spellings.txt       | the first of the line  | اطاق = اتاق, خیابون = خیابان                    |

What this gives up: words that differ only in آ and ا (آلو, الو), and تر ("wet") after a noun, which is joined to it.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache

from common.finglish import known_words, latin_majority, to_persian
from common.lexicon import rows

_ZWNJ = "\u200c"
_PLAIN = {
    **dict.fromkeys("يىېێ", "ی"),
    **dict.fromkeys("كڪ", "ک"),
    **dict.fromkeys("ةہھەۀ", "ه"),
    **dict.fromkeys("آأإٱ", "ا"),
    **dict.fromkeys("ء\u0640٬'’‘`ʼ", ""),
    "ﷲ": "اله",  # the one sign of four letters that stands in street names
    _ZWNJ: _ZWNJ,  # seen by the rules on whole words, which take it away
}
_SUFFIXES = frozenset(
    "ها های هایی هایم هایت هایش هایمان هایتان هایشان هام هات هاش هامون هاتون هاشون هاست "
    "اباد تر تری ترین ترها مون تون شون مان تان شان".split()
)
_AFTER_HEH = frozenset("ام ات اش ای ایم اید اند ایی".split())
_PREFIXES = frozenset("می نمی بی برمی برنمی درمی درنمی".split())
_ENDINGS = ("", *_SUFFIXES, *"ی ای ام اش م ش ت ن ه ان انی".split())
_MIDDLES = frozenset("و به".split())  # of compounds of three words: رفت و آمد, رو به رو
_ANY = frozenset(" ")  # what follows a prefix: any Persian word
_NOTHING: frozenset[str] = frozenset()
_LONG = 24  # letters of a word
_MOST = 16_384

_DRAWN = re.compile(r"(\D)\1\1+")
_EZAFE = re.compile(r"ه\u200c+ی(?!\w)")
_APART = re.compile(r"\u200c+(?=(?:است|شده)(?!\w))")
_EDGE = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_LATIN = re.compile(r"[A-Za-z]")


class _Letters(dict[int, str]):
    """What each character becomes, worked out when it is first met; 65,536 of them at most are remembered."""

    def __missing__(self, code: int) -> str:
        plain = _plain(chr(code))
        if code < 0x10000:
            self[code] = plain
        return plain


class _Tokens(dict[str, str]):
    """What each token (what stands between two spaces) becomes; a cache, for most words have been met before.

    16,384 short tokens at most, some 4 MB, whatever is sent.
    """

    def __missing__(self, token: str) -> str:
        words = _token(token)
        if len(token) <= _LONG:
            if len(self) >= _MOST:
                self.clear()
            self[token] = words
        return words


_LETTERS = _Letters()
_TOKENS = _Tokens()


def fold(text: str) -> str:
    """The words of a text in their one form for matching, with single spaces between them.

    Idempotent, total on any Unicode, and never longer than three times the text. 200 letters take 14 µs, twice what
    storing takes, when their words were met before, and some 45 µs when half of them were not. The first call reads
    the word lists (6 ms; 20 ms more for the first Finglish).
    """
    folded = " ".join(_joined(_words(text)))
    if _LATIN.search(folded) is None:
        return folded
    persian = to_persian(folded) if latin_majority(folded) else known_words(folded)
    return " ".join(_joined(_words(persian)))


def _words(text: str) -> list[str]:
    return " ".join(map(_TOKENS.__getitem__, text.split())).split()


def _token(token: str) -> str:
    """No word, one, or several that marks part."""
    letters = token.translate(_LETTERS)
    if _ZWNJ in letters:
        letters = _APART.sub(" ", _EZAFE.sub("ه", letters)).replace(_ZWNJ, "")
    words = letters.split()
    if len(words) == 1 and words[0].isalpha():  # most tokens
        return _spelled(words[0])
    return " ".join(map(_spelled, _EDGE.sub(" ", letters).split()))


def _spelled(word: str) -> str:
    plain = _bare(word)
    return _spellings().get(plain, plain)


def _bare(word: str) -> str:
    if len(word) - len(set(word)) > 1:  # else no letter is there three times; four times as fast
        word = _DRAWN.sub(r"\1", word)
    return word.replace("وو", "و").replace("الله", "اله")


def _joined(words: list[str]) -> list[str]:
    """The words with what belongs together joined in place, from the right: what follows a word is then final."""
    joiners = _joiners()
    for at in [at for at, word in enumerate(words) if word in joiners][::-1]:
        tails = joiners.get(words[at], _NOTHING)  # a suffix may have made another word of it
        if tails is None:
            _join_before(words, at)
        elif size := _tail_size(tails, words, at + 1):
            words[at : at + 1 + size] = [_spelled("".join(words[at : at + 1 + size]))]
    return words


def _tail_size(tails: frozenset[str], words: Sequence[str], at: int) -> int:
    """How many of the words from `at` on belong to the word before: none, one, or و or به and one."""
    after = words[at] if at < len(words) else ""
    if after in tails:
        return 1
    if after in _MIDDLES and f"{after} {words[at + 1] if at + 1 < len(words) else ''}" in tails:
        return 2
    return 1 if tails is _ANY and after and _is_persian(after[0]) and len(after) <= _LONG else 0


def _join_before(words: list[str], at: int) -> None:
    """A suffix with the word before it, where it may be one; an ezafe is dropped."""
    while 0 < at < len(words) and words[at] == "ی" and words[at - 1][-1] == "ه":
        del words[at]
    if 0 < at < len(words) and _attaches(words[at - 1], words[at]):
        words[at - 1 : at + 1] = [_spelled(words[at - 1] + words[at])]


def _attaches(before: str, word: str) -> bool:
    if not _is_persian(before[-1]):
        return False
    if word in _AFTER_HEH:
        return before[-1] == "ه"
    return word in _SUFFIXES or (word == "ی" and before[-1] in "او")


def _is_persian(character: str) -> bool:
    return "\u0620" <= character <= "\u06ff"


@cache
def _joiners() -> Mapping[str, frozenset[str] | None]:
    """Word → what may follow it in a compound, with any ending; for a suffix None."""
    tails: dict[str, set[str]] = {}
    for first, *rest in ([_formed(word) for word in row] for row in rows("compounds")):
        tails.setdefault(first, set()).update(" ".join(rest) + ending for ending in _ENDINGS)
    return {
        **{first: frozenset(found) for first, found in tails.items()},
        **dict.fromkeys(_PREFIXES, _ANY),
        **dict.fromkeys((*_SUFFIXES, *_AFTER_HEH, "ی")),
    }


@cache
def _spellings() -> Mapping[str, str]:
    """Variant → spelling, both folded."""
    pairs = {}
    for spelling, *variants in rows("spellings"):
        pairs.update({_formed(variant): _formed(spelling) for variant in variants})
    return pairs


def _formed(word: str) -> str:
    return _bare(word.translate(_LETTERS).replace(_ZWNJ, ""))


def _plain(character: str) -> str:
    """One character as the table above has it: nothing, a space, a letter or digit, or a ligature's letters."""
    if (plain := _PLAIN.get(character)) is not None:
        return plain
    if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf", "Cs", "Cc"):  # spaces among them are split at before
        return ""
    base = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    if "\ufb50" <= character <= "\ufefc":
        letters = "".join(_PLAIN.get(letter, letter) for letter in base)
        return letters if len(base) <= 3 and base.isalpha() else " "
    return _single(base if len(base) == 1 else character)


def _single(character: str) -> str:
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if not character.isalpha():
        return " "
    lower = character.lower()
    return _PLAIN.get(lower, lower if len(lower) == 1 else character)
