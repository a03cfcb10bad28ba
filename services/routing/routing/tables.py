"""What words and pairs of words add to every score, in rows that numpy can sum."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from routing.features import FAR, NEAR, letter_keys, seen_as, stem, word_keys
from routing.model import Block, Floats, Model

REMEMBERED = 16_384  # words, 10 MB when all are; a text has 400 at most, see routing.features
_START = -1  # stands for a stem where a text begins; 0 is a stem of no known pair

Rows = npt.NDArray[np.intp]
Codes = npt.NDArray[np.int64]


class Words(NamedTuple):
    """The words of some texts on end. Each text starts with an empty word, whose place is in `starts`."""

    words: list[str]
    rows: Rows
    starts: Rows


class PairTable:
    """Pairs of stems as numbers, so that a batch is one search in a sorted list."""

    def __init__(self, block: Block) -> None:
        pairs = [(key, *key.replace(FAR, NEAR).split(NEAR)) for key in block.keys]
        self.stems = {name: at for at, name in enumerate(sorted({half for pair in pairs for half in pair[1:]}), 1)}
        self._size = len(self.stems) + 1
        halves = np.array([[self.stems[one], self.stems[other]] for _, one, other in pairs], np.int64).reshape(-1, 2)
        codes = self._codes_of(halves[:, 0], halves[:, 1], far=np.array([FAR in key for key, *_ in pairs], bool))
        order = np.argsort(codes)
        self._codes = np.append(codes[order], np.iinfo(np.int64).max)  # so that a search never ends outside
        nothing = np.zeros((1, block.weights.shape[1] + 1), np.float32)
        self._sums = np.concatenate([nothing, block.rows(order)])

    def sums(self, stems: Codes, starts: Rows) -> Floats:
        """The sum over the pairs of each text, (texts, heads + 1), from the stems of all texts on end."""
        one, two, three = (np.append(stems, [_START, _START])[at : at + len(stems)] for at in (0, 1, 2))
        near = np.where((one > 0) & (two > 0), self._codes_of(one, two, far=False), -1)
        far = np.where((one > 0) & (two != _START) & (three > 0), self._codes_of(one, three, far=True), -1)
        return self._summed(near, starts) + self._summed(far, starts)

    def _summed(self, codes: Codes, starts: Rows) -> Floats:
        at = np.searchsorted(self._codes, codes)
        rows = np.where(self._codes[at] == codes, at + 1, 0)
        kept = rows > 0
        kept[starts] = True  # with a row of nothing, so that each text has one
        return np.asarray(np.add.reduceat(self._sums[rows[kept]], np.cumsum(kept)[starts] - 1, axis=0))

    def _codes_of(self, one: Codes, other: Codes, *, far: bool | npt.NDArray[np.bool_]) -> Codes:
        return (one + np.multiply(far, self._size)) * self._size + other


class WordTable:
    """A row for each word met lately: weights and square of the word and its stem, then those of its letters.

    `sums`, `stems` (for PairTable) and `speaks` are indexed by the rows that `look_up` gives.
    """

    def __init__(self, model: Model, pairs: PairTable) -> None:
        self._blocks = (model.blocks["words"], model.blocks["letters"])
        self._columns = len(model.bias) + 1
        self._pairs = pairs
        self._places = model.places
        self.sums = np.zeros((REMEMBERED, 2 * self._columns), np.float32)
        self.stems = np.zeros(REMEMBERED, np.int64)
        self.speaks = np.zeros(REMEMBERED, bool)  # whether it is a word, no sign, and so may be named as a reason
        self._forget()

    def look_up(self, texts: Sequence[Sequence[str]]) -> Words:
        """The rows of all words; those not met before are worked out first."""
        words: list[str] = []
        starts = []
        for text in texts:
            starts.append(len(words))
            words.append("")
            words.extend(text)
        fresh = set(words) - self._known.keys()
        if len(self._known) + len(fresh) > REMEMBERED:
            self._forget()
            fresh = set(words) - {""}
        if fresh:
            self._remember(sorted(fresh))
        rows = np.fromiter(map(self._known.__getitem__, words), np.intp, len(words))
        return Words(words, rows, np.array(starts, np.intp))

    def _remember(self, words: Sequence[str]) -> None:
        first = len(self._known)
        self._known.update(zip(words, range(first, first + len(words)), strict=True))
        here = slice(first, first + len(words))
        seen = [seen_as(word, self._places) for word in words]
        self.speaks[here] = [word.isalpha() for word in seen]
        self.stems[here] = [self._pairs.stems.get(stem(word), 0) for word in seen]
        word_block, letter_block = self._blocks
        self.sums[here, : self._columns] = _sums(word_block, [word_keys(word) for word in seen])
        self.sums[here, self._columns :] = _sums(letter_block, [letter_keys(word) for word in seen])

    def _forget(self) -> None:
        self._known: dict[str, int] = {"": 0}
        self.stems[0] = _START


def _sums(block: Block, keys: Sequence[Sequence[str]]) -> Floats:
    """The sum of the rows of each word's features, nothing for those that the model has not."""
    find = block.at.get
    found = [[row for key in of_word if (row := find(key)) is not None] for of_word in keys]
    flat = np.array([row for rows in found for row in rows], np.intp)
    ends = np.cumsum([0, *map(len, found)])
    sums = np.zeros((len(keys), block.weights.shape[1] + 1), np.float32)
    some = np.flatnonzero(np.diff(ends))
    if len(some):
        sums[some] = np.add.reduceat(block.rows(flat), ends[some], axis=0)
    return sums
