"""Urgency from the text first and the topic second: signs of danger and of calm, each with a weight, added up.

The signs and their phrases stand in data/urgency.yaml, the weights in data/urgency-weights.yaml, learnt by
`python -m routing.training.urgency --write`. A sign counts once, however often it is found, and not where it is denied
("the fire is out", "no smell of gas").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from common.folding import fold

from routing.phrases import PhraseTable

DENIES_BEFORE, DENIES_AFTER = "denials before", "denials after"
URGENT_TOPIC, OTHER_TOPIC, NO_TOPIC = "urgent topic", "other topic", "no topic"
_DENIED_WITHIN = 2  # words after a sign in which a denial still speaks of it


@dataclass(frozen=True, slots=True)
class Urgency:
    """Whether a message is urgent, and why: a short English reason that quotes the words of the message."""

    urgent: bool
    because: str


@dataclass(frozen=True, slots=True)
class Sign:
    """One kind of thing a text can say: in English, what a person thinks it is worth, and if it can be denied."""

    says: str
    prior: float
    deniable: bool


@dataclass(frozen=True, slots=True)
class Weights:
    """What each sign and each kind of topic is worth; a sum of `threshold` or more is urgent."""

    threshold: float
    topics: Mapping[str, float]
    signs: Mapping[str, float]


def urgency(text: str, topic: str | None, default: bool) -> Urgency:
    """The urgency of a folded text (`common.folding.fold`), given its topic, if known, and the topic's default.

    Pure but for its data files, which are read once.
    """
    weights, found = _weights(), signs_in(text)
    kind = topic_kind(topic, default)
    score = weights.topics[kind]
    for name in found:
        score += weights.signs[name]
    urgent = score >= weights.threshold
    return Urgency(urgent, _because(urgent, kind, found))


def topic_kind(topic: str | None, default: bool) -> str:
    """Under which name the weights hold what the topic is worth."""
    if topic is None:
        return NO_TOPIC
    return URGENT_TOPIC if default else OTHER_TOPIC


def signs_in(text: str) -> Mapping[str, str]:
    """The signs that a folded text gives and does not deny, each with the first words that gave it."""
    words = text.split()
    found = _table().find(words)
    if not found:
        return {}
    known = known_signs()
    before = {start + 1 for name, start, _ in found if name == DENIES_BEFORE}
    after = {start - gap for name, start, _ in found if name == DENIES_AFTER for gap in range(_DENIED_WITHIN)}
    signs: dict[str, str] = {}
    for name, start, end in found:
        if name in signs or name not in known:
            continue
        if not (known[name].deniable and (start in before or end in after)):
            signs[name] = " ".join(words[start:end])
    return signs


@cache
def known_signs() -> Mapping[str, Sign]:
    """All signs by name, as data/urgency.yaml has them. Raises KeyError or ValueError where it cannot be read."""
    return {
        name: Sign(row["says"], float(row["prior"]), bool(row.get("denied", False)))
        for part in ("danger", "calm")
        for name, row in _read("urgency.yaml")[part].items()
    }


def _because(urgent: bool, kind: str, found: Mapping[str, str]) -> str:
    """The two signs that spoke loudest for what was decided, with the words that gave them."""
    worth = _weights().signs
    spoke = sorted((name for name in found if (worth[name] > 0) is urgent), key=lambda name: -abs(worth[name]))
    if spoke:
        return "; ".join([f"{known_signs()[name].says}: «{found[name]}»" for name in spoke[:2]])
    if urgent:
        return "urgent by its topic, and the text takes nothing back"
    return "too little danger in the text" if kind == URGENT_TOPIC or found else "nothing in the text speaks of danger"


@cache
def _weights() -> Weights:
    read = _read("urgency-weights.yaml")
    weights = Weights(float(read["threshold"]), dict(read["topics"]), dict(read["signs"]))
    if weights.signs.keys() != known_signs().keys():
        raise ValueError("urgency-weights.yaml does not fit urgency.yaml: python -m routing.training.urgency --write")
    return weights


@cache
def _table() -> PhraseTable:
    read: dict[str, Any] = _read("urgency.yaml")
    listed = {name: row["phrases"] for part in ("danger", "calm") for name, row in read[part].items()}
    denials = {DENIES_BEFORE: read["denials_before"], DENIES_AFTER: read["denials_after"]}
    return PhraseTable(listed | denials, fold)


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((files("routing") / "data" / name).read_text("utf-8"))
