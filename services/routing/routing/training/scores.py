"""How good the choices are: shares of right ones, calibration, and which topics are taken for which."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 10
_TEMPERATURES = np.arange(1.0, 20.01, 0.25)

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Choices:
    """What was chosen for n texts: the three likeliest topics (n, 3), the first's probability, whether that is sure,
    and whether the kind was right."""

    likeliest: Array
    first: Array
    sure: Array
    kind: Array


@dataclass(frozen=True)
class Scores:
    """Shares from 0 to 1 over `count` texts. `group` is the right deputy, `ece` the expected calibration error, `sure`
    what is referred without a look, and `sure_right` how much of that is right."""

    count: int
    top1: float
    top3: float
    group: float
    ece: float
    kind: float
    sure: float
    sure_right: float

    def row(self, name: str) -> str:
        """One line of the table."""
        values = (self.top1, self.top3, self.group, self.ece, self.kind, self.sure, self.sure_right)
        return f"{name:<28}{self.count:>6}" + "".join(f"{value:>9.3f}" for value in values)


HEADER = f"{'':<28}{'texts':>6}" + "".join(
    f"{name:>9}" for name in ("top-1", "top-3", "group", "ECE", "kind", "sure", "& right")
)


def softmax(scores: Array) -> Array:
    """Probabilities along the rows."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def sharpness(scores: Array, truth: Array) -> float:
    """The factor on held-out scores that makes their softmax the likeliest: 1 / temperature."""
    rows = np.arange(len(truth))
    losses = [-np.log(softmax(scores * factor)[rows, truth] + 1e-12).mean() for factor in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def calibration_error(probabilities: Array, right: Array) -> float:
    """Mean gap between how sure and how often right, over ten bins of the first choice's probability."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gaps = [abs(right[bins == at].sum() - probabilities[bins == at].sum()) for at in range(BINS)]
    return float(sum(gaps) / max(1, len(right)))


def measure(choices: Choices, truth: Array, deputies: Sequence[str]) -> Scores:
    """Compare with the right topics (n); `deputies` has one for each topic."""
    right = choices.likeliest[:, 0] == truth
    deputy = np.array(deputies)
    return Scores(
        count=len(truth),
        top1=float(right.mean()),
        top3=float((choices.likeliest == truth[:, None]).any(axis=1).mean()),
        group=float((deputy[choices.likeliest[:, 0]] == deputy[truth]).mean()),
        ece=calibration_error(choices.first, right),
        kind=float(choices.kind.mean()),
        sure=float(choices.sure.mean()),
        sure_right=float(right[choices.sure].mean()) if choices.sure.any() else 0.0,
    )


@dataclass(frozen=True)
class Comparison:
    """Two models on the messages that both were asked while held out: topic → messages, right before, right after."""

    topics: Mapping[str, tuple[int, int, int]]

    @property
    def worse(self) -> bool:
        """Whether fewer are right after than before."""
        return sum(after for _, _, after in self.topics.values()) < sum(before for _, before, _ in self.topics.values())

    def text(self) -> str:
        """One line a topic, the changed ones marked, and the sum."""
        whole = [sum(row[at] for row in self.topics.values()) for at in range(3)]
        rows = [
            ("topic", "messages", "before", "after"),
            *((topic, *row) for topic, row in sorted(self.topics.items())),
        ]
        listed = [_listed(*row) for row in [*rows, ("all", *whole)]]
        return "\n".join(listed)


def _listed(name: object, asked: object, before: object, after: object) -> str:
    return f"{name:<24}{asked:>9}{before:>8}{after:>7}{' *' if isinstance(after, int) and before != after else ''}"


def compare(before: Mapping[str, str], after: Mapping[str, str], truth: Mapping[str, str]) -> Comparison:
    """From the topic that each model chose for each message, and the right one."""
    counts: dict[str, tuple[int, int, int]] = {}
    for name in before.keys() & after.keys() & truth.keys():
        right = truth[name]
        asked, was, now = counts.get(right, (0, 0, 0))
        counts[right] = (asked + 1, was + (before[name] == right), now + (after[name] == right))
    return Comparison(counts)


def confusions(truth: Sequence[str], chosen: Sequence[str], texts: Sequence[str], most: int = 10) -> list[str]:
    """The pairs most often taken for each other, either way round, with two examples each."""
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for right, other, text in zip(truth, chosen, texts, strict=True):
        if right != other:
            low, high = sorted((right, other))
            pairs[low, high].append(f"    {right} taken for {other}: {' '.join(text.split())[:110]}")
    worst = sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:most]
    return [line for (one, other), found in worst for line in (f"{one} / {other}: {len(found)}", *found[:2])]
