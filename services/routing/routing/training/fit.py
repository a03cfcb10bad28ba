"""Fits the three heads on documents: one linear score a topic, a kind, and urgency."""

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from routing.training.documents import KINDS, Array, Documents, Heads
from routing.training.families import FOLDS
from routing.training.recipe import SEED, Recipe
from routing.training.vectors import Matrix


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
