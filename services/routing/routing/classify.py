"""Topic and kind of a text by the trained model, with probability and the words that spoke for the topic.

A word's share of every score is worked out once and remembered, so that a text costs some twenty look-ups and a few
sums over a batch, whatever the number of features behind them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from common.events import Kind

from routing.features import DAMPING, words_of
from routing.model import Floats, Model
from routing.tables import PairTable, Rows, Words, WordTable

CHUNK = 32  # texts summed at once: their rows stay in the processor's cache
SUGGESTED = 3
SPEAKING = 3  # words named as the reason
# Topics that are a kind themselves; the kind of any other text is read from the text.
KIND_OF_TOPIC: Mapping[str, Kind] = {"OV-THANKS": Kind.THANKS, "OV-SUGGEST": Kind.SUGGESTION}

_Spoke = list[tuple[str, ...]]


class ModelMismatch(Exception):
    """The model on disk is not the one for this catalogue."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A topic and how likely it is, 0 to 1."""

    topic: str
    probability: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a text is about: the three likeliest topics, the words that spoke for the first, and the kind.

    `sure` says that the first may be referred without a look by the triage desk. `urgent` is how likely the text
    alone is urgent, 0 to 1.
    """

    suggestions: tuple[Suggestion, ...]
    words: tuple[str, ...]
    kind: Kind
    sure: bool
    urgent: float


class Classifier:
    """Ranks texts. One object serves one thread: it remembers words between calls."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._topics = len(model.topics)
        self._columns = len(model.bias) + 1
        self._kinds = [Kind(kind) for kind in model.kinds]
        self._pairs = PairTable(model.blocks["pairs"])
        self._words = WordTable(model, self._pairs)

    @classmethod
    def load(cls, topics: Collection[str]) -> Self:
        """Read the model; ModelMismatch when it is missing or was trained for other topics than these."""
        try:
            model = Model.read()
        except FileNotFoundError:
            raise ModelMismatch("there is no model of the topics; run `make model`") from None
        if different := sorted(set(topics) ^ set(model.topics)):
            raise ModelMismatch(f"the model and the catalogue differ in {', '.join(different)}; run `make model`")
        return cls(model)

    @property
    def data_hash(self) -> str:
        """SHA-256 over the training data that the model came from."""
        return str(self.model.about["hash"])

    def rank(self, texts: Sequence[str], folded: Sequence[str | None] = ()) -> list[Ranking]:
        """One ranking a text, in order; `folded` are the texts folded, for a caller who has them (`common.folding`).
        Total on any Unicode; a text without a word is never sure."""
        words = list(map(words_of, texts, folded or [None] * len(texts)))
        chunks = (words[at : at + CHUNK] for at in range(0, len(words), CHUNK))
        return [ranking for chunk in chunks for ranking in self._rank(chunk)]

    def _rank(self, texts: Sequence[Sequence[str]]) -> Iterator[Ranking]:
        words = self._words.look_up(texts)
        rows = self._words.sums[words.rows]
        sums = np.add.reduceat(rows, words.starts, axis=0)
        lengths = np.stack([_length(sums[:, self._columns - 1]), _length(sums[:, -1])])
        pairs = self._pairs.sums(self._words.stems[words.rows], words.starts)
        scores = self.model.bias + pairs[:, :-1] / _length(pairs[:, -1])[:, None]
        scores += sums[:, : self._columns - 1] / lengths[0][:, None]
        scores += sums[:, self._columns : -1] / lengths[1][:, None]
        probabilities = _softmax(scores[:, : self._topics])
        best = _three_best(probabilities)
        spoke = self._spoke(words, rows, lengths, best[:, 0])
        return self._rankings(probabilities, scores[:, self._topics :], best, spoke)

    def _rankings(self, probabilities: Floats, rest: Floats, best: Rows, spoke: _Spoke) -> Iterator[Ranking]:
        """One by one from (texts, topics), (texts, kinds + 1) and (texts, 3)."""
        likely = np.take_along_axis(probabilities, best, axis=1)
        sure = (likely[:, 0] >= self.model.thresholds[best[:, 0]]).tolist()
        kinds = rest[:, :-1].argmax(axis=1).tolist()
        urgent = (1 / (1 + np.exp(-np.clip(rest[:, -1], -30, 30)))).tolist()
        for at, (topics, chances) in enumerate(zip(best.tolist(), likely.tolist(), strict=True)):
            suggestions = tuple(map(Suggestion, map(self.model.topics.__getitem__, topics), chances))
            kind = KIND_OF_TOPIC.get(suggestions[0].topic) or self._kinds[kinds[at]]
            yield Ranking(suggestions, spoke[at], kind, sure[at] and bool(spoke[at]), urgent[at])

    def _spoke(self, words: Words, rows: Floats, lengths: Floats, best: Rows) -> _Spoke:
        """The words of each text with the largest shares in the score of its best topic."""
        sizes = np.diff(words.starts, append=len(words.words))
        every, column = np.arange(len(words.words)), np.repeat(best, sizes)
        shares = rows[every, column] / np.repeat(lengths[0], sizes)
        shares += rows[every, self._columns + column] / np.repeat(lengths[1], sizes)
        shares[~self._words.speaks[words.rows] | (shares <= 0)] = -1
        order = np.lexsort((-shares, np.repeat(np.arange(len(sizes)), sizes)))
        speaking = np.add.reduceat(shares > 0, words.starts, dtype=np.intp)
        ends = words.starts + np.minimum(speaking, 2 * SPEAKING)
        named = order.tolist()
        bounds = zip(words.starts.tolist(), ends.tolist(), strict=True)
        return [_first([words.words[place] for place in named[at:end]]) for at, end in bounds]


def _first(words: Sequence[str]) -> tuple[str, ...]:
    """The first few, each once."""
    return tuple(dict.fromkeys(words))[:SPEAKING]


def _three_best(probabilities: Floats) -> Rows:
    """The columns of the three largest of each row, the largest first, the first of equals first."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :SUGGESTED]


def _length(squares: Floats) -> Floats:
    """The length of a text in one block of features."""
    return np.asarray(np.sqrt(squares + DAMPING), np.float32)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
