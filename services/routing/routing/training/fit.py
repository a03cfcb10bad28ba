"""Fits the three heads on documents: one linear score a topic, a kind, and urgency."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from common.events import Kind
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from routing.training.families import FOLDS, folds
from routing.training.recipe import SEED, Recipe
from routing.training.sources import MESSAGES, Line, Sources
from routing.training.vectors import Matrix, Vectors, vectors_of

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


def vectors(documents: Documents, sources: Sources, recipe: Recipe) -> Vectors:
    """Every document as a row."""
    return vectors_of(documents.texts, recipe, sources.places)


def fit(rows: Matrix, documents: Documents, recipe: Recipe, among: Array) -> Heads:
    """Learn from some of the documents."""
    topic = LinearSVC(C=recipe.topic_fit, random_state=SEED)
    kind = LinearSVC(C=recipe.kind_fit, class_weight="balanced", random_state=SEED)
    urgent = LogisticRegression(C=recipe.urgent_fit, max_iter=400)
    heads = [
        _fitted(topic, rows, documents.topic, (among, documents.weights, len(documents.topics))),
        _fitted(kind, rows, documents.kinds, (among[documents.kinds[among] >= 0], documents.weights, len(KINDS))),
        _fitted(urgent, rows, documents.urgent, (among[documents.urgent[among] >= 0], documents.weights, 1)),
    ]
    return Heads(np.hstack([weights for weights, _ in heads]), np.concatenate([bias for _, bias in heads]))


def held_out(rows: Matrix, documents: Documents, recipe: Recipe) -> Array:
    """Scores of the original messages, each from a model that saw nothing of its family."""
    scores = np.zeros((rows.shape[0], len(documents.topics) + len(KINDS) + 1))
    tested = np.zeros(rows.shape[0], bool)
    tested[documents.tested] = True
    for fold in range(FOLDS):
        heads = fit(rows, documents, recipe, np.flatnonzero(documents.folds != fold))
        held = np.flatnonzero((documents.folds == fold) & tested)
        scores[held] = heads.scores(rows[held])
    return scores[documents.tested]


def _fitted(learner: Any, rows: Matrix, labels: Array, among: tuple[Array, Array, int]) -> tuple[Array, Array]:
    """Weights (features, classes) and bias (classes); a class without any line scores far below the others."""
    chosen, weights, size = among
    learner.fit(rows[chosen], labels[chosen], sample_weight=weights[chosen])
    if size == 1:
        return learner.coef_.T, learner.intercept_
    whole, bias = np.zeros((rows.shape[1], size)), np.full(size, -3.0)
    whole[:, learner.classes_] = learner.coef_.T
    bias[learner.classes_] = learner.intercept_
    return whole, bias
