"""Families of phrasing: lines that say the same in other words are held out together, or the test would know them."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from common.folding import fold

from routing.training.sources import MESSAGES, Line

FOLDS = 5
_ALIKE = 0.35  # of the shorter text's runs of four letters; by eye, what is over it is a paraphrase
_RUN = 4


def families(lines: Sequence[Line]) -> list[str]:
    """The family of each line: the least name among all that are alike, directly or through others."""
    names = _Union()
    by_topic = defaultdict(list)
    for line in lines:
        by_topic[line.topic].append((line.family, _runs(line.text)))
    for members in by_topic.values():
        for at, (name, runs) in enumerate(members):
            for other, its_runs in members[:at]:
                if _alike(runs, its_runs):
                    names.join(name, other)
    return [names.first(line.family) for line in lines]


def folds(lines: Sequence[Line]) -> list[int | None]:
    """The fold that holds each line out. None, always trained on, for a line whose family has no message."""
    named = families(lines)
    tested = {family for family, line in zip(named, lines, strict=True) if line.source == MESSAGES}
    return [_fold(family) if family in tested else None for family in named]


def _fold(family: str) -> int:
    """By the name alone, so that new lines do not move old ones and two trainings can be compared."""
    return int.from_bytes(hashlib.sha256(family.encode()).digest()[:4]) % FOLDS


def _runs(text: str) -> frozenset[str]:
    edged = f" {fold(text)} "
    return frozenset(edged[at : at + _RUN] for at in range(len(edged) - _RUN + 1))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _ALIKE * max(1, min(len(one), len(other)))


class _Union:
    """Disjoint sets of names, each known by its least member; d0001 of the messages is less than a name of lines."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def first(self, name: str) -> str:
        while (parent := self._parents.get(name, name)) != name:
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.first(one), self.first(other)), key=lambda name: (not name.startswith("d0"), name))
        self._parents[high] = low
