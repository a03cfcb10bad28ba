"""Urgency from the text first and the topic second: signs of danger and of calm, each with a weight, and the trained
model's word on the text as a whole, added up.

The signs, their phrases and their weights are in `common.signs`, for intake looks at them too. Signs alone find 92 % of
what is urgent in lines they did not learn from at a precision of 0.63, the model alone at 0.58, both together at 0.77
(3,543 lines, ten-fold over families of phrasing; `python -m routing.training.urgency`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from common.signs import NO_TOPIC, OTHER_TOPIC, URGENT_TOPIC, known_signs, signs_in, weights

WITH_MODEL = -2.5  # the sum from which on both together are urgent; signs alone have their own
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Urgency:
    """Whether a message is urgent, and why: a short English reason that quotes the words of the message."""

    urgent: bool
    because: str


def urgency(text: str, topic: str | None, default: bool, likely: float | None = None) -> Urgency:
    """The urgency of a folded text (`common.folding.fold`), given its topic, if known, and the topic's default.

    `likely` is the model's probability, 0 to 1, that the text alone is urgent; None where nobody asked it. Pure but for
    its data files, which are read once.
    """
    worth, found = weights(), signs_in(text)
    kind = topic_kind(topic, default)
    score = worth.topics[kind]
    for name in found:
        score += worth.signs[name]
    urgent = score >= worth.threshold if likely is None else score + log_odds(likely) >= WITH_MODEL
    return Urgency(urgent, _because(urgent, kind, found))


def log_odds(likely: float) -> float:
    """What the model's probability is worth beside the signs."""
    bounded = min(max(likely, _EDGE), 1 - _EDGE)
    return log(bounded / (1 - bounded))


def topic_kind(topic: str | None, default: bool) -> str:
    """Under which name the weights hold what the topic is worth."""
    if topic is None:
        return NO_TOPIC
    return URGENT_TOPIC if default else OTHER_TOPIC


def _because(urgent: bool, kind: str, found: Mapping[str, str]) -> str:
    """The two signs that spoke loudest for what was decided, with the words that gave them."""
    worth = weights().signs
    spoke = sorted((name for name in found if (worth[name] > 0) is urgent), key=lambda name: -abs(worth[name]))
    if spoke:
        return "; ".join([f"{known_signs()[name].says}: «{found[name]}»" for name in spoke[:2]])
    if urgent and kind == URGENT_TOPIC:
        return "urgent by its topic, and the text takes nothing back"
    if urgent:
        return "the text reads like urgent ones"
    return "too little danger in the text" if kind == URGENT_TOPIC or found else "nothing in the text speaks of danger"
