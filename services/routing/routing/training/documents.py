"""Lines and lexicon phrases as numbers, and what is fitted to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from common.events import Kind

from routing.training.families import folds
from routing.training.recipe import Recipe
from routing.training.sources import MESSAGES, Line, Sources
from routing.training.vectors import Matrix

KINDS = tuple(kind.value for kind in Kind)
UNKNOWN = -1
# A phrase of these topics tells its kind as well; of the others it may be any.
_KIND_OF_PHRASE = {"OV-THANKS": "thanks", "OV-SUGGEST": "suggestion"}

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Documents:
    """Lines and lexicon phrases in one order, as numbers. `kinds` and `urgent` are UNKNOWN where nobody said."""

    topics: tuple[str, ...]
    lines: Sequence[Line]
    texts: Sequence[str]
    topic: Array
    kinds: Array
    urgent: Array
    weights: Array
    folds: Array  # of each document; -1 is never held out

    @cached_property
    def tested(self) -> Array:
        """The rows of the original messages, which hidden ones resemble most."""
        return np.array([at for at, line in enumerate(self.lines) if line.source == MESSAGES])


@dataclass(frozen=True)
class Heads:
    """A row of features @ `weights` (features, topics + kinds + 1) + `bias` (topics + kinds + 1) are its scores."""

    weights: Array
    bias: Array

    def scores(self, rows: Matrix) -> Array:
        """(rows, topics + kinds + 1)."""
        return np.asarray(rows @ self.weights + self.bias)


def documents_of(sources: Sources, recipe: Recipe) -> Documents:
    """The lines, then each phrase of the lexicon as a light line of its topic."""
    topics = tuple(sorted(sources.topics))
    at = {topic: index for index, topic in enumerate(topics)}
    phrases = [(phrase, topic) for topic, told in sources.lexicon.items() for phrase in told]
    kinds = [*(line.kind for line in sources.lines), *(_KIND_OF_PHRASE.get(topic) for _, topic in phrases)]
    urgent = [*(line.urgent for line in sources.lines), *([None] * len(phrases))]
    held = [UNKNOWN if fold is None else fold for fold in folds(sources.lines)]
    return Documents(
        topics=topics,
        lines=sources.lines,
        texts=[*(line.text for line in sources.lines), *(phrase for phrase, _ in phrases)],
        topic=np.array([*(at[line.topic] for line in sources.lines), *(at[topic] for _, topic in phrases)]),
        kinds=np.array([UNKNOWN if kind is None else KINDS.index(kind) for kind in kinds]),
        urgent=np.array([UNKNOWN if flag is None else int(flag) for flag in urgent]),
        weights=np.array([1.0] * len(sources.lines) + [recipe.phrase] * len(phrases)),
        folds=np.array(held + [UNKNOWN] * len(phrases)),
    )
