"""Scores of the finished model on labelled lines."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from routing.classify import Classifier
from routing.training.scores import Choices, Scores, measure
from routing.training.sources import HERE, SECOND_TEST, Line, Sources, read_lines


def second_test(classifier: Classifier, sources: Sources, folder: Path = HERE) -> Scores:
    """The scores of the model as the service runs it, on the messages that are never trained on."""
    return _measured(classifier, read_lines(folder / SECOND_TEST), sources)


def _measured(classifier: Classifier, lines: Sequence[Line], sources: Sources) -> Scores:
    """The scores of a classifier on labelled lines."""
    at = {topic: index for index, topic in enumerate(classifier.model.topics)}
    rankings = classifier.rank([line.text for line in lines])
    choices = Choices(
        likeliest=np.array([[at[suggestion.topic] for suggestion in ranking.suggestions] for ranking in rankings]),
        first=np.array([ranking.suggestions[0].probability for ranking in rankings]),
        sure=np.array([ranking.sure for ranking in rankings]),
        kind=np.array([ranking.kind == line.kind for ranking, line in zip(rankings, lines, strict=True)]),
    )
    return measure(choices, np.array([at[line.topic] for line in lines]), deputies(sources))


def deputies(sources: Sources) -> list[str]:
    """The deputy of each topic in the order of the codes."""
    return [sources.topics[topic]["deputy"] for topic in sorted(sources.topics)]
