"""From fitted heads to the model that the services read: weights as bytes, thresholds, and where it came from."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from routing.model import Block, Model
from routing.training import recipe as cost
from routing.training.documents import KINDS, Array, Documents, Heads
from routing.training.scores import softmax
from routing.training.sources import Sources
from routing.training.vectors import Vectors

_OUT_OF_SCOPE = "out-of-scope"


def model_of(
    heads: Heads, vectors: Vectors, sources: Sources, sure: tuple[float, Array], about: Mapping[str, Any]
) -> Model:
    """The whole model. `sure` is what multiplies the topics' scores to make probabilities, and the thresholds."""
    sharp, limits = sure
    factors = np.ones(len(heads.bias))
    factors[: -len(KINDS) - 1] = sharp
    blocks, start = {}, 0
    for name, column in vectors.columns.items():
        end = start + len(column.keys)
        blocks[name] = _block(column.keys, heads.weights[start:end] * factors * column.share, column.rareness)
        start = end
    topics, bias = tuple(sorted(sources.topics)), (heads.bias * factors).astype(np.float32)
    return Model(topics, KINDS, blocks, bias, limits.astype(np.float32), sources.places, about)


def _block(keys: Any, weights: Array, rareness: Array) -> Block:
    """A feature's weights times its rareness, in 1/127 of the largest: 0.4 % of it is the most that a byte loses."""
    rows = weights * rareness[:, None]
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0), 1e-9) / 127
    small = np.round(rows / scales[:, None]).astype(np.int8)
    return Block(list(keys), small, scales.astype(np.float32), (rareness * rareness).astype(np.float32))


def thresholds(scores: Array, documents: Documents, sources: Sources) -> Array:
    """The least probability at which each topic is referred unseen, by the costs of the recipe.

    What being wrong costs depends on how often this topic's held-out errors were in the right unit all the same.
    """
    truth = documents.topic[documents.tested]
    chosen = softmax(scores[:, : len(documents.topics)]).argmax(axis=1)
    rows = [sources.topics[topic] for topic in documents.topics]
    units = np.array([f"{row['unit']} {row['handled_by']}" for row in rows])
    wrong, same = chosen != truth, units[chosen] == units[truth]
    usual = (wrong & same).sum() / max(1, wrong.sum())
    limits = []
    for at, row in enumerate(rows):
        errors = wrong & (chosen == at)
        share = ((errors & same).sum() + cost.PRIOR_ERRORS * usual) / (errors.sum() + cost.PRIOR_ERRORS)
        limits.append(_threshold(row, float(share)))
    return np.array(limits)


def _threshold(topic: Mapping[str, str], in_the_same_unit: float) -> float:
    elsewhere = cost.WRONG_CLOSED if topic["deputy"] == _OUT_OF_SCOPE else cost.WRONG_UNIT
    wrong = in_the_same_unit * cost.WRONG_TOPIC + (1 - in_the_same_unit) * elsewhere
    look = cost.LOOK_URGENT if topic["urgent"] == "yes" else cost.LOOK
    return float(np.clip(1 - look / wrong, cost.LEAST_SURE, cost.MOST_SURE))
