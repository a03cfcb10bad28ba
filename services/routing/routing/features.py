"""What the classifier sees in a text: words, their stems and letters, and pairs of neighbours. Training and running
share this file, so that a feature means the same in both."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from common.folding import fold

DAMPING = 300.0  # added to the square of a text's length, some eight words' worth: few words do not make it sure
MOST_WORDS = 400  # of a text; what comes later seldom says anything new and never costs anything
PLACE = "⌖"
NUMBER = "0"
QUESTION = "؟"
_SUFFIXES = frozenset(
    "هایشون هایمون هایتون هاشون هامون هاتون هایی هایش هایم هایت های هاش هاشو هام هات هارو هاست ها "
    "شون مون تون امون اتون اشون ایم اید ایند اند ند ای یم یا یه ات اش ام ان شو مو تو رو ست ی ش م ت و ه س ن ا".split()
)
_SUFFIX_SIZES = range(max(map(len, _SUFFIXES)), 0, -1)
_SHORTEST_STEM = 3  # letters; 4 when the ending is a single one, or درخت would lose its last
_LONG = 24  # letters; a longer "word" is noise
NEAR, FAR = " ", "~"  # what stands between the stems of a pair


def words_of(text: str, folded: str | None = None) -> list[str]:
    """The folded words of a text, then a sign if it asks, for folding drops the mark."""
    words = (fold(text) if folded is None else folded).split()[:MOST_WORDS]
    return [*words, QUESTION] if "؟" in text or "?" in text else words


def seen_as(word: str, places: Collection[str]) -> str:
    """The word as the features see it: all names of places are one sign, all numbers another."""
    if word in places:
        return PLACE
    return NUMBER if word.isdigit() else word


def stem(word: str) -> str:
    """The word without its longest ending: کوچه‌هامون → کوچ; never shorter than three letters."""
    for size in _SUFFIX_SIZES:
        if len(word) - size >= _SHORTEST_STEM + (size == 1) and word[-size:] in _SUFFIXES:
            return word[:-size]
    return word


def word_keys(word: str) -> tuple[str, str]:
    """The features of the word itself: as it is, and its stem."""
    return "=" + word, stem(word)


def letter_keys(word: str) -> list[str]:
    """The runs of 3 to 5 letters, the edges of the word being letters too; of the first 24 letters."""
    edged = f" {word[:_LONG]} "
    return [edged[at : at + size] for size in (3, 4, 5) for at in range(len(edged) - size + 1)]


def pair_keys(stems: Sequence[str]) -> list[str]:
    """Neighbours, and those with one word between: a text says «درخت بزرگی افتاد» as well as «درخت افتاد»."""
    near = [f"{first}{NEAR}{second}" for first, second in pairwise(stems)]
    return near + [f"{first}{FAR}{second}" for first, second in zip(stems, stems[2:], strict=False)]
