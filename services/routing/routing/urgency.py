"""Urgency from the text first and the topic second: signs of danger and of calm, each with a weight, added up.

The signs, their phrases and their weights are in `common.signs`, for intake looks at them too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from common.signs import NO_TOPIC, OTHER_TOPIC, URGENT_TOPIC, known_signs, signs_in, weights


@dataclass(frozen=True, slots=True)
class Urgency:
    """Whether a message is urgent, and why: a short English reason that quotes the words of the message."""

    urgent: bool
    because: str


def urgency(text: str, topic: str | None, default: bool) -> Urgency:
    """The urgency of a folded text (`common.folding.fold`), given its topic, if known, and the topic's default.

    Pure but for its data files, which are read once.
    """
    worth, found = weights(), signs_in(text)
    kind = topic_kind(topic, default)
    score = worth.topics[kind]
    for name in found:
        score += worth.signs[name]
    urgent = score >= worth.threshold
    return Urgency(urgent, _because(urgent, kind, found))


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
    if urgent:
        return "urgent by its topic, and the text takes nothing back"
    return "too little danger in the text" if kind == URGENT_TOPIC or found else "nothing in the text speaks of danger"
