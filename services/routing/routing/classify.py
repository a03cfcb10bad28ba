"""Topic by the catalogue's own words: a plain match, until a later version learns from labelled messages."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.persian import normalise

from routing.city import City

_WORD = re.compile(r"[\w\u200c]{3,}")
_BRACKETS = re.compile(r"\(.*?\)")
_CERTAIN = 0.5  # of a title's weight found in the text


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A topic and how far the text spoke for it, 0 to 1."""

    topic: str
    probability: float


class WordMatch:
    """Scores a text by the share of each title's words it holds; a rare word counts more."""

    def __init__(self, city: City) -> None:
        titles = {topic.code: _words(_BRACKETS.sub("", topic.title_fa)) for topic in city.topics.values()}
        holders: dict[str, set[str]] = defaultdict(set)
        for code, words in titles.items():
            for word in words:
                holders[word].add(code)
        self._weights = {word: 1 / len(codes) for word, codes in holders.items()}
        self._holders: Mapping[str, set[str]] = holders
        self._whole = {code: sum(self._weights[word] for word in words) or 1.0 for code, words in titles.items()}

    def suggest(self, text: str, most: int = 3) -> Sequence[Suggestion]:
        """The topics that the text speaks for, the likeliest first."""
        found: dict[str, float] = defaultdict(float)
        for word in _words(text):
            for code in self._holders.get(word, ()):
                found[code] += self._weights[word]
        scored = [Suggestion(code, round(weight / self._whole[code], 3)) for code, weight in found.items()]
        return sorted(scored, key=lambda s: (-s.probability, s.topic))[:most]

    def choose(self, suggestions: Sequence[Suggestion]) -> Suggestion | None:
        """The first, if it is likely enough and alone at the top."""
        if not suggestions or suggestions[0].probability < _CERTAIN:
            return None
        if len(suggestions) > 1 and suggestions[1].probability == suggestions[0].probability:
            return None
        return suggestions[0]


def _words(text: str) -> set[str]:
    return {word.replace("\u200c", "") for word in _WORD.findall(normalise(text))}
