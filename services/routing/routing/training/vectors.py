"""Documents as sparse rows in the three blocks of features that the classifier sums at run time."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from routing.features import DAMPING, letter_keys, pair_keys, seen_as, stem, word_keys, words_of
from routing.training.recipe import Recipe

Matrix = Any  # a scipy.sparse.csr_matrix, which has no types


@dataclass(frozen=True)
class Column:
    """The features of one block in order, how rare each is (1 when every document has it), and the block's share."""

    keys: Sequence[str]
    rareness: np.ndarray[Any, np.dtype[np.float64]]
    share: float


@dataclass(frozen=True)
class Vectors:
    """All documents: the scaled features (documents, keys of all blocks on end)."""

    columns: Mapping[str, Column]
    matrix: Matrix


def vectors_of(texts: Sequence[str], recipe: Recipe, places: Collection[str]) -> Vectors:
    """Count, drop what is too rare, weigh by rareness, and scale each block of each text to one length."""
    documents = [[seen_as(word, places) for word in words_of(text)] for text in texts]
    counted = {
        "words": [[key for word in words for key in word_keys(word)] for words in documents],
        "letters": [[key for word in words for key in letter_keys(word)] for words in documents],
        "pairs": [pair_keys([stem(word) for word in words]) for words in documents],
    }
    columns = {name: _column(rows, recipe.least[name], recipe.shares[name]) for name, rows in counted.items()}
    blocks = [_block(counted[name], columns[name]) for name in counted]
    return Vectors(columns, sp.hstack(blocks).tocsr())


def _column(rows: Sequence[Sequence[str]], least: int, share: float) -> Column:
    spread = Counter(key for row in rows for key in set(row))
    keys = sorted(key for key, count in spread.items() if count >= least)
    return Column(keys, 1 + np.log((1 + len(rows)) / (1 + np.array([spread[key] for key in keys], float))), share)


def _block(rows: Sequence[Sequence[str]], column: Column) -> Matrix:
    """Each text's features over the square root of the sum of squares of what each occurrence adds."""
    at = {key: index for index, key in enumerate(column.keys)}
    found = [np.array([at[key] for key in row if key in at], np.intp) for row in rows]
    weights = [column.rareness[here] for here in found]
    scaled = [column.share * weight / np.sqrt(weight @ weight + DAMPING) for weight in weights]
    ends = np.concatenate([[0], np.cumsum([len(here) for here in found])])
    block = sp.csr_matrix((np.concatenate(scaled), np.concatenate(found), ends), shape=(len(rows), len(column.keys)))
    block.sum_duplicates()
    return block
