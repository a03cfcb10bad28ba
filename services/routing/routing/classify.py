"""Topic and kind of a text by the trained model, with probability and the words that spoke for the topic.

A word's share of every score is worked out once and remembered, so that a text costs some twenty look-ups and a few
sums over a batch, whatever the number of features behind them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from common.events import Kind

from routing.features import letter_keys, pair_keys, stem, word_keys, words_of
from routing.model import Block, Floats, Model

CHUNK = 32  # texts summed at once: their rows stay in the processor's cache
REMEMBERED = 16_384  # words; more than a chunk can hold, 10 MB
SUGGESTED = 3
SPEAKING = 3  # words named as the reason

Rows = npt.NDArray[np.intp]


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


class _Seen(NamedTuple):
    """The words of some texts on end: each text starts with an empty word at `starts`."""

    words: list[str]
    rows: Rows
    starts: Rows
    pairs: Floats


class Classifier:
    """Ranks texts. One object serves one thread: it remembers words between calls."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._kinds = [Kind(kind) for kind in model.kinds]
        self._columns = len(model.bias) + 1
        self._pairs = np.concatenate([_nothing(self._columns), model.blocks["pairs"].rows(slice(None))])
        self._table = np.zeros((REMEMBERED, 2 * self._columns), np.float32)
        self._forget()

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

    def rank(self, texts: Sequence[str]) -> list[Ranking]:
        """One ranking a text, in order. Total on any Unicode; an empty text is unsure."""
        chunks = (texts[at : at + CHUNK] for at in range(0, len(texts), CHUNK))
        return [ranking for chunk in chunks for ranking in self._rank(chunk)]

    def _rank(self, texts: Sequence[str]) -> Iterator[Ranking]:
        seen = self._look_at([words_of(text, self.model.places) for text in texts])
        rows = self._table[seen.rows]
        sums = np.add.reduceat(rows, seen.starts, axis=0)
        words, letters = _scaled(sums[:, : self._columns]), _scaled(sums[:, self._columns :])
        scores = self.model.bias + words + letters + _scaled(seen.pairs)
        probabilities = _softmax(scores[:, : len(self.model.topics)])
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :SUGGESTED]
        spoke = self._spoke(rows, sums, seen, best[:, 0])
        kinds = scores[:, len(self.model.topics) : -1].argmax(axis=1)
        urgent = 1 / (1 + np.exp(-np.clip(scores[:, -1], -30, 30)))
        for at, likeliest in enumerate(best.tolist()):
            yield self._ranking(probabilities[at], likeliest, spoke[at], (kinds[at], urgent[at]))

    def _ranking(
        self, probabilities: Floats, likeliest: Sequence[int], words: tuple[str, ...], rest: tuple[int, float]
    ) -> Ranking:
        first = likeliest[0]
        return Ranking(
            tuple(Suggestion(self.model.topics[at], float(probabilities[at])) for at in likeliest),
            words,
            self._kinds[rest[0]],
            bool(words) and bool(probabilities[first] >= self.model.thresholds[first]),
            float(rest[1]),
        )

    def _look_at(self, texts: Sequence[Sequence[str]]) -> _Seen:
        """Rows of the words, those not met before being worked out first."""
        words: list[str] = []
        starts = []
        for text in texts:
            starts.append(len(words))
            words.append("")
            words.extend(text)
        fresh = set(words) - self._known.keys()
        if len(self._known) + len(fresh) > REMEMBERED:
            self._forget()
            fresh = set(words) - self._known.keys()
        for word in fresh:
            self._remember(word)
        rows = np.fromiter(map(self._known.__getitem__, words), np.intp, len(words))
        return _Seen(words, rows, np.array(starts, np.intp), self._paired(texts))

    def _paired(self, texts: Sequence[Sequence[str]]) -> Floats:
        find = self.model.blocks["pairs"].at.get
        found: list[int] = []
        starts = []
        for text in texts:
            starts.append(len(found))
            rows = [find(key, -1) for key in pair_keys([self._stems[word] for word in text])]
            found.append(0)  # a row of nothing, so that a text without known pairs has one too
            found.extend(row + 1 for row in rows if row >= 0)
        return np.add.reduceat(self._pairs[found], starts, axis=0)

    def _remember(self, word: str) -> None:
        row = self._known[word] = len(self._known)
        self._stems[word] = stem(word)
        blocks = self.model.blocks
        self._table[row, : self._columns] = _sum(blocks["words"], word_keys(word))
        self._table[row, self._columns :] = _sum(blocks["letters"], letter_keys(word))

    def _forget(self) -> None:
        self._known: dict[str, int] = {"": 0}  # row 0 stays empty
        self._stems: dict[str, str] = {"": ""}

    def _spoke(self, rows: Floats, sums: Floats, seen: _Seen, best: Rows) -> list[tuple[str, ...]]:
        """The words of each text with the largest shares of its best topic's score."""
        sizes = np.diff(seen.starts, append=len(seen.words))
        shares = np.zeros(len(seen.words), np.float32)
        for first in (0, self._columns):
            lengths = np.sqrt(np.maximum(sums[:, first + self._columns - 1], 1.0))
            mean = rows[:, first : first + len(self.model.topics)].mean(axis=1)
            of_best = rows[np.arange(len(seen.words)), first + np.repeat(best, sizes)]
            shares += (of_best - mean) / np.repeat(lengths, sizes)
        listed = shares.tolist()
        ends = zip(seen.starts.tolist(), sizes.tolist(), strict=True)
        return [_largest(seen.words[at : at + size], listed[at : at + size]) for at, size in ends]


def _largest(words: Sequence[str], shares: Sequence[float]) -> tuple[str, ...]:
    """The words with the largest positive shares, the largest first, each once; signs are no words."""
    by_share = sorted(zip(shares, words, strict=True), reverse=True)
    chosen = dict.fromkeys(word for share, word in by_share if share > 0 and word[:1].isalpha())
    return tuple(chosen)[:SPEAKING]


def _sum(block: Block, keys: Collection[str] | Iterator[str]) -> Floats:
    rows = [row for key in keys if (row := block.at.get(key)) is not None]
    return block.rows(np.array(rows, np.intp)).sum(axis=0)


def _scaled(sums: Floats) -> Floats:
    """Scores over the length of the text; the last column holds its square."""
    return sums[:, :-1] / np.sqrt(np.where(sums[:, -1:] > 0, sums[:, -1:], 1))


def _softmax(scores: Floats) -> Floats:
    raised: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _nothing(columns: int) -> Floats:
    return np.zeros((1, columns), np.float32)
