"""Signs of danger and of calm in a text, and by them whether a message may be urgent.

Intake asks `may_be_urgent` at accept, to choose the lane; routing weighs the same signs with the topic and decides
(`routing/urgency.py`). So the list is here, once. The signs and their phrases stand in data/signs.yaml, the weights in
data/signs-weights.yaml, learnt by `python -m routing.training.urgency --write`. A sign counts once, however often it is
found, and not where it is denied ("the fire is out", "no smell of gas").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from common.folding import fold
from common.phrases import Found, PhraseTable

URGENT_TOPIC, OTHER_TOPIC, NO_TOPIC = "urgent topic", "other topic", "no topic"
DENIES_BEFORE, DENIES_AFTER = "denials before", "denials after"
MATTER = "a matter that is urgent by itself"
_DENIED_WITHIN = 2  # words after a sign in which a denial still speaks of it
# For the lane alone, where no topic is given: signs worth so much together, or so little calm where the matter itself
# is urgent. Of what routing finds urgent 93-100 % are met, and 15-20 % of the rest (docs/adr/0012).
_ALARMING = 1.0
_NOT_CALMED = -0.3


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


def may_be_urgent(text: str, topic: str | None) -> bool:
    """Whether a message, as it was typed, could turn out to be urgent; `topic` is what its sender chose, if anything.

    A false alarm costs a place in a queue, so it is easily raised. 80 letters take 21 µs, 330 take 45.
    """
    if topic in _urgent_topics():
        return True
    words = fold(text).split()
    found = _table().find(words)
    worth = weights()
    weight = sum(map(worth.signs.__getitem__, _signs(found, words)))
    if topic is not None:
        return worth.topics[OTHER_TOPIC] + weight >= worth.threshold
    return weight >= _ALARMING or (weight >= _NOT_CALMED and any(name == MATTER for name, _, _ in found))


def signs_in(text: str) -> Mapping[str, str]:
    """The signs that a folded text gives and does not deny, each with the first words that gave it."""
    words = text.split()
    return _signs(_table().find(words), words)


def _signs(found: Sequence[Found], words: Sequence[str]) -> Mapping[str, str]:
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
    """All signs by name, as data/signs.yaml has them. Raises KeyError or ValueError where it cannot be read."""
    return {
        name: Sign(row["says"], float(row["prior"]), bool(row.get("denied", False)))
        for part in ("danger", "calm")
        for name, row in _read("signs.yaml")[part].items()
    }


@cache
def weights() -> Weights:
    """What each sign is worth. Raises ValueError where the two files do not fit each other."""
    read = _read("signs-weights.yaml")
    learnt = Weights(float(read["threshold"]), dict(read["topics"]), dict(read["signs"]))
    if learnt.signs.keys() != known_signs().keys():
        raise ValueError("signs-weights.yaml does not fit signs.yaml: python -m routing.training.urgency --write")
    return learnt


@cache
def _urgent_topics() -> frozenset[str]:
    return frozenset(_read("signs.yaml")["urgent_topics"])


@cache
def _table() -> PhraseTable:
    read: dict[str, Any] = _read("signs.yaml")
    listed = {name: row["phrases"] for part in ("danger", "calm") for name, row in read[part].items()}
    others = {DENIES_BEFORE: read["denials_before"], DENIES_AFTER: read["denials_after"], MATTER: read["matters"]}
    return PhraseTable(listed | others, fold)


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((files("common") / "data" / name).read_text("utf-8"))
