"""The numbers of the training, chosen by cross-validation over families, and the costs behind the thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SEED = 1404


@dataclass(frozen=True)
class Recipe:
    """How features are counted and weighed, and how hard the lines are fitted."""

    least: Mapping[str, int] = field(default_factory=lambda: {"words": 1, "letters": 2, "pairs": 2})  # documents
    shares: Mapping[str, float] = field(default_factory=lambda: {"words": 1.0, "letters": 1.4, "pairs": 0.7})
    phrase: float = 0.6  # weight of a lexicon phrase as a line of its own; a message has 1
    fit: float = 1.0  # C of the support-vector machine
