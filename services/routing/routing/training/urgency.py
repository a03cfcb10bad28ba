"""Learns the weights of common/signs.py: a logistic regression that starts from what a person thinks of each sign.

The penalty pulls each weight towards its prior, and a danger can never count as calm or the other way round, so that a
few hundred synthetic messages cannot teach nonsense. `python -m routing.training.urgency` prints recall and precision,
by cross-validation over families of phrasing and on the second test, which is never learnt from.
"""

import argparse
import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from common.folding import fold
from common.signs import NO_TOPIC, OTHER_TOPIC, URGENT_TOPIC, known_signs, signs_in
from numpy.typing import NDArray

from routing.classify import Classifier
from routing.training.documents import Documents
from routing.urgency import WITH_MODEL, log_odds, topic_kind

Floats = NDArray[np.float64]
Message = Mapping[str, Any]

TOPICS = {URGENT_TOPIC: -0.2, OTHER_TOPIC: -2.6, NO_TOPIC: -1.4}  # priors
THRESHOLD = -1.0  # a missed danger costs more than a false alarm: probability 0.27
SPREAD = 0.5  # how far a weight may stray from its prior
ALIKE = 0.5  # share of words in common that makes two messages one family
FOLDS = 10
# How a message is seen in training: with its topic, without one, and with another, since classifying errs.
_VIEWS = ((0.65, "own"), (0.2, "none"), (0.15, "other"))


def learnt_from() -> list[Message]:
    """The labelled messages and the training lines."""
    data = _folder()
    return [row for path in [data / "messages.fa.jsonl", *sorted(data.glob("lines-*.jsonl"))] for row in _rows(path)]


def second_test() -> list[Message]:
    """The 150 messages that never enter training."""
    return _rows(_folder() / "second_test.jsonl")


def families(messages: Sequence[Message]) -> list[int]:
    """A number for each message, the same for those of one phrasing: by their label, or by their words in common."""
    words = [frozenset(fold(message["text"]).split()) for message in messages]
    family = list(range(len(messages)))
    firsts: dict[str, int] = {}
    for here, message in enumerate(messages):
        if label := message.get("family"):
            family[here] = firsts.setdefault(label, here)
            continue
        alike = (
            there for there in range(here) if len(words[here] & words[there]) > ALIKE * len(words[here] | words[there])
        )
        family[here] = family[next(alike, here)]
    return family


def fit(messages: Sequence[Message], seed: int = 0) -> Floats:
    """Weights of the topic kinds and the signs, in the order of `columns`."""
    x, y, share = _seen(messages, np.random.default_rng(seed))
    prior = _prior()
    low, high = np.where(prior > 0, 0.0, -9.0), np.where(prior < 0, 0.0, 9.0)
    low[: len(TOPICS)], high[: len(TOPICS)] = -9.0, 9.0
    step = 1 / (0.25 * float(np.linalg.norm(x * np.sqrt(share)[:, None], 2)) ** 2 + 1 / SPREAD**2)
    weights = last = prior
    for turn in range(400):  # projected gradient with momentum
        ahead = weights + turn / (turn + 3) * (weights - last)
        error = 1 / (1 + np.exp(-x @ ahead)) - y
        last, weights = (
            weights,
            np.clip(ahead - step * (x.T @ (share * error) + (ahead - prior) / SPREAD**2), low, high),
        )
    return weights


def scores(messages: Sequence[Message], weights: Floats, *, topic: bool = True) -> Floats:
    """The sum for each message, with its labelled topic or with none."""
    kinds = [_kind(message) if topic else NO_TOPIC for message in messages]
    return _matrix(messages, kinds) @ weights


def cross_validated(messages: Sequence[Message], *, topic: bool = True) -> Floats:
    """The sum for each message, from weights that were learnt without its family."""
    family = families(messages)
    fold_of = {name: turn for turn, name in enumerate(np.random.default_rng(1).permutation(sorted(set(family))))}
    folds = np.array([fold_of[name] % FOLDS for name in family])
    found = np.zeros(len(messages))
    for turn in range(FOLDS):
        weights = fit([message for message, one in zip(messages, folds, strict=True) if one != turn])
        test = np.flatnonzero(folds == turn)
        found[test] = scores([messages[int(one)] for one in test], weights, topic=topic)
    return found


def recall_precision(messages: Sequence[Message], found: Floats, threshold: float = THRESHOLD) -> tuple[float, float]:
    """Of the urgent ones, how many were found; of those found, how many are urgent."""
    urgent, told = _labels(messages), found >= threshold
    return float((urgent & told).sum() / urgent.sum()), float((urgent & told).sum() / max(1, told.sum()))


def columns() -> list[str]:
    """The names of the weights."""
    return [*TOPICS, *known_signs()]


def as_yaml(weights: Floats, count: int) -> str:
    """The weights as a readable file."""
    values = dict(zip(columns(), (round(float(weight), 2) for weight in weights), strict=True))
    kept = {
        "threshold": THRESHOLD,
        "learnt_from": count,
        "topics": {name: values.pop(name) for name in TOPICS},
        "signs": values,
    }
    return "# Written by python -m routing.training.urgency --write. Signs: signs.yaml.\n" + str(
        yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the scores; with --write, keep the weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args(arguments).write
    messages = learnt_from()
    weights = fit(messages)
    for line in _report(messages, weights):
        print(line)
    if write:
        Path(str(files("common")), "data", "signs-weights.yaml").write_text(as_yaml(weights, len(messages)), "utf-8")


def _report(messages: Sequence[Message], weights: Floats) -> Iterable[str]:
    labelled = [one for one in messages if "family" not in one]
    lines = [one for one in messages if "family" in one]
    second, from_lines, from_labelled = second_test(), fit(lines), fit(labelled)
    for topic in (True, False):
        known = "topic known" if topic else "no topic"
        for name, some, found in (
            ("cross-validated, all", messages, cross_validated(messages, topic=topic)),
            ("learnt from lines, tested on labelled", labelled, scores(labelled, from_lines, topic=topic)),
            ("learnt from labelled, tested on lines", lines, scores(lines, from_labelled, topic=topic)),
            ("second test", second, scores(second, weights, topic=topic)),
        ):
            recall, precision = recall_precision(some, found)
            yield f"{name:40} {known:12} {len(some):5} messages  recall {recall:.3f}  precision {precision:.3f}"


def urgency_rows(documents: Documents, held_out: Floats, classifier: Classifier) -> Iterable[str]:
    """Recall and precision of signs and model together: on the labelled messages, the model's log odds `held_out` by
    family and the signs learnt from other lines; and on the second test."""
    lines = [documents.lines[row] for row in documents.tested]
    labelled: list[Message] = [{"text": one.text, "topic": one.topic, "urgent": bool(one.urgent)} for one in lines]
    every, second = learnt_from(), second_test()
    from_lines = scores(labelled, fit([one for one in every if "family" in one]))
    likely = [log_odds(one.urgent) for one in classifier.rank([message["text"] for message in second])]
    for name, messages, found in (
        ("urgency, held out", labelled, from_lines + held_out),
        ("urgency, second test", second, scores(second, fit(every)) + np.array(likely)),
    ):
        recall, precision = recall_precision(messages, found, WITH_MODEL)
        yield f"{name:<28}{len(messages):>6}  recall {recall:.3f}  precision {precision:.3f}"


def _seen(messages: Sequence[Message], random: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Each message three times (see _VIEWS): rows of columns, labels, shares."""
    own = [_kind(message) for message in messages]
    kinds = {"own": own, "none": [NO_TOPIC] * len(own), "other": [own[at] for at in random.permutation(len(own))]}
    x = np.concatenate([_matrix(messages, kinds[view]) for _, view in _VIEWS])
    y = np.tile(_labels(messages).astype(np.float64), len(_VIEWS))
    return x, y, np.repeat([share for share, _ in _VIEWS], len(messages))


def _matrix(messages: Sequence[Message], kinds: Sequence[str]) -> Floats:
    at = {name: place for place, name in enumerate(columns())}
    x = np.zeros((len(messages), len(at)))
    for row, (message, kind) in enumerate(zip(messages, kinds, strict=True)):
        x[row, [at[kind], *(at[name] for name in signs_in(fold(message["text"])))]] = 1
    return x


def _prior() -> Floats:
    return np.array([*TOPICS.values(), *(sign.prior for sign in known_signs().values())])


def _labels(messages: Sequence[Message]) -> NDArray[np.bool_]:
    return np.array([bool(message["urgent"]) for message in messages])


def _kind(message: Message) -> str:
    return topic_kind(message["topic"], message["topic"] in urgent_topics())


@cache
def urgent_topics() -> set[str]:
    """Codes of the topics that are urgent by default."""
    with (_folder().parents[1] / "data" / "topics.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"] for row in csv.DictReader(file) if row["urgent"] == "yes"}


def _rows(path: Path) -> list[Message]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _folder() -> Path:
    return Path(str(files("routing"))) / "training" / "data"


if __name__ == "__main__":
    main()
