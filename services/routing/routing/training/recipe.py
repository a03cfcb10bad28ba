"""The numbers of the training, chosen by cross-validation over families, and the costs behind the thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SEED = 1404

# What a decision costs, in looks of the HQ triage desk. A topic is referred without a look when the chance that it is
# wrong, times what being wrong costs, is less than the look: probability >= 1 - LOOK / cost of being wrong.
LOOK = 1.0
LOOK_URGENT = 1.5  # while the desk looks, a fallen tree blocks the road
WRONG_UNIT = 5.0  # a bounce: the unit's reading, the referral back, the desk's look all the same, a day of waiting
WRONG_TOPIC = 1.25  # the right unit with the wrong heading: it corrects the heading
WRONG_CLOSED = 8.0  # the citizen was told that it is not the city's matter, and the case is closed
LEAST_SURE, MOST_SURE = 0.2, 0.9
PRIOR_ERRORS = 5.0  # weight of the share over all topics beside a topic's own errors, which are few


# The held-out scores come from models without the message's family; the final one has all families and is right more
# often than they say, so its probabilities may be a little bolder than theirs.
BOLDER = 1.15


@dataclass(frozen=True)
class Recipe:
    """How features are counted and weighed, and how hard the lines are fitted."""

    least: Mapping[str, int] = field(default_factory=lambda: {"words": 1, "letters": 3, "pairs": 2})  # documents
    shares: Mapping[str, float] = field(default_factory=lambda: {"words": 1.0, "letters": 1.4, "pairs": 1.0})
    phrase: float = 0.6  # weight of a lexicon phrase as a line of its own; a message has 1
    topic_fit: float = 1.0  # C of the support-vector machine of the topics
    kind_fit: float = 0.3
    urgent_fit: float = 1.0  # C of a logistic regression
