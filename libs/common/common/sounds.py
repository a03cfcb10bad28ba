"""How Persian words sound in both scripts, one sign a sound: what `common.finglish` compares.

Consonants are small Latin letters, but for S (sh, ش), C (ch, چ), X (kh, خ), G (gh, غ ق) and J (zh, ژ). Vowels are
a e o u i in Latin writing; in Persian writing a is ا, w is و, y is ی, ' is ع or a hamza, and H is a ه that ends a part
of a word and may be silent.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

_DIGRAPHS = re.compile(r"kh|gh|sh|ch|zh|oo|ou|ee|aa|ck|ph|([a-z])\1|[a-z]")
_LATIN = {
    "kh": "X", "gh": "G", "sh": "S", "ch": "C", "zh": "J", "oo": "u", "ou": "u", "ee": "i", "aa": "a",
    "ck": "k", "ph": "f", "q": "G", "x": "ks", "c": "s", "w": "v",
}  # fmt: skip
_PERSIAN = str.maketrans(
    "اآأإبپتثجچحخدذرزژسشصضطظعغفقکگلمنوؤهیئءً",
    "aaaabptsjChXdzrzJsSsztz'GfGkglmnww" + "hyy''",
)
_FINAL_H = re.compile(r"h(?=\u200c|$)")
_SOFT = re.compile(r"[aeouivwyH'\u200c]")
_DOUBLED = re.compile(r"(.)\1+")
_SPELLED = {
    "X": "خ", "G": "ق", "S": "ش", "C": "چ", "J": "ژ", "b": "ب", "p": "پ", "t": "ت", "s": "س", "j": "ج", "h": "ه",
    "d": "د", "z": "ز", "r": "ر", "f": "ف", "k": "ک", "g": "گ", "l": "ل", "m": "م", "n": "ن", "v": "و", "y": "ی",
    "u": "و", "i": "ی", "e": "", "o": "",
}  # fmt: skip
_FIRST = {"a": "ا", "e": "ا", "o": "ا", "u": "او", "i": "ای"}
_LAST = {"a": "ا", "e": "ه", "o": "و"}

# What it costs to read a Latin sound as a Persian one, or to leave either out.
_READ = {
    "aa": 0.0, "ea": 0.3, "oa": 0.3, "ua": 0.35, "ia": 0.5, "ow": 0.1, "uw": 0.0, "vw": 0.0, "aw": 0.6,
    "iy": 0.0, "yy": 0.0, "ey": 0.3, "eH": 0.0, "aH": 0.3, "hH": 0.0, "iH": 0.6, "a'": 0.22, "e'": 0.15, "o'": 0.15,
}  # fmt: skip
_LATIN_ALONE = {"a": 0.2, "e": 0.02, "o": 0.12, "u": 0.7, "i": 0.6, "y": 0.4, "v": 0.8}
_PERSIAN_ALONE = {"a": 0.6, "w": 0.6, "y": 0.6, "'": 0.05, "H": 0.35}
_LAST_ALONE = 0.6  # a last a, which is always written in Persian
_TWICE = 0.1
_WRONG = 2.0  # another consonant


def latin_sounds(word: str) -> str:
    """The sounds of a word of small Latin letters; doubled consonants count once."""
    return "".join(_LATIN.get(found[0]) or _LATIN.get(found[0][0], found[0][0]) for found in _DIGRAPHS.finditer(word))


def persian_sounds(word: str) -> str:
    """The sounds of a word of Persian letters; its ZWNJ only tell which ه end a part, and خوا is khaa."""
    return _FINAL_H.sub("H", word.translate(_PERSIAN).replace("Xwa", "Xa")).replace("\u200c", "")


def consonants(sounds: str) -> str:
    """What of the sounds everybody writes: no vowels, nothing that may be one, and nothing twice running."""
    return _DOUBLED.sub(r"\1", _SOFT.sub("", sounds))


def distance(latin: str, persian: str) -> float:
    """How far two words of the same consonants are apart: 0 sounds alike, above 0.75 another word."""
    row = list(accumulate(_persian_costs(persian), initial=0.0))
    if latin[0] in "eoui" and persian[0] in "a'":  # the first vowel's carrier: emsal, امسال
        row[1:] = [cost - _PERSIAN_ALONE[persian[0]] for cost in row[1:]]
    for heard in latin[:-1]:
        row = _next_row(row, heard, persian, alone=_LATIN_ALONE.get(heard, _WRONG))
    alone = _LAST_ALONE if latin[-1] == "a" else _LATIN_ALONE.get(latin[-1], _WRONG)
    return _next_row(row, latin[-1], persian, alone=alone)[-1]


def _persian_costs(persian: str) -> Iterator[float]:
    """What leaving out each sound costs; the second of two alike is often written once in Latin."""
    for before, sound in pairwise(" " + persian):
        yield _TWICE if sound == before else _PERSIAN_ALONE.get(sound, _WRONG)


def _next_row(row: list[float], heard: str, persian: str, *, alone: float) -> list[float]:
    following = [row[0] + alone]
    for at, (sound, left_out) in enumerate(zip(persian, _persian_costs(persian), strict=True)):
        read = 0.0 if heard == sound else _READ.get(heard + sound, _WRONG)
        following.append(min(row[at] + read, row[at + 1] + alone, following[at] + left_out))
    return following


def spell(word: str) -> str:
    """A word of small Latin letters in Persian letters by rule alone; at most twice as long, and never empty."""
    sounds = latin_sounds(word)
    last = len(sounds) - 1
    spelled = [_FIRST.get(sounds[0], "") or _SPELLED.get(sounds[0], "")]
    for at, sound in enumerate(sounds[1:], 1):
        if at == last and sound in _LAST:
            spelled.append(_LAST[sound])
        else:
            spelled.append(_long_a(sounds, at) if sound == "a" else _SPELLED[sound])
    return "".join(spelled)


def _long_a(sounds: str, at: int) -> str:
    """An a before two consonants (dast, barg) or another a (ghashang) is short, and is not written."""
    return "" if "a" in sounds[at + 1 :] or len(consonants(sounds[at + 1 : at + 3])) == 2 else "ا"
