"""One training from files to file: cross-validate, fit on everything, compare with the former model, write."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from routing.classify import Classifier
from routing.model import FILE, Model
from routing.training import scores as scoring
from routing.training.artefact import model_of, thresholds
from routing.training.fit import KINDS, Documents, documents_of, fit, held_out, vectors
from routing.training.recipe import Recipe
from routing.training.scores import Array, Scores
from routing.training.sources import CATALOGUE, HERE, SECOND_TEST, Line, Sources, read_lines, read_sources

MODEL = CATALOGUE / FILE


def train(*, force: bool = False, confusions: bool = False, target: Path = MODEL) -> bool:
    """Train, print the table of scores, and write the model; False when it got worse and was not written."""
    sources, recipe = read_sources(), Recipe()
    documents = documents_of(sources, recipe)
    space = vectors(documents, sources, recipe)
    scores = held_out(space.matrix, documents, recipe)
    sharp = scoring.sharpness(scores[:, : len(documents.topics)], documents.topic[documents.tested])
    scores[:, : len(documents.topics)] *= sharp
    heads = fit(space.matrix, documents, recipe, np.arange(len(documents.texts)))
    chosen = _chosen(documents, scores)
    about = {"hash": sources.hash, "data": sources.files, "held_out": chosen}
    model = model_of(heads, space, sources, (sharp, thresholds(scores, documents, sources)), about)
    print(scoring.HEADER)
    print(_cross_validated(scores, documents, sources).row("cross-validated by family"))
    print(second_test(model, sources).row("second test, never trained"))
    if confusions:
        _print_confusions(documents, chosen)
    if not _better(target, model, documents) and not force:
        print("the model got worse and was not replaced; --force replaces it")
        return False
    target.write_bytes(model.to_bytes())
    return True


def second_test(model: Model, sources: Sources, folder: Path = HERE) -> Scores:
    """The scores of the finished model, as the service runs it, on the messages that are never trained on."""
    return measure_lines(Classifier(model), read_lines(folder / SECOND_TEST), sources)


def measure_lines(classifier: Classifier, lines: Sequence[Line], sources: Sources) -> Scores:
    """The scores of a classifier on labelled lines."""
    at = {topic: index for index, topic in enumerate(classifier.model.topics)}
    rankings = classifier.rank([line.text for line in lines])
    likeliest = [[at[suggestion.topic] for suggestion in ranking.suggestions] for ranking in rankings]
    first = [ranking.suggestions[0].probability for ranking in rankings]
    kinds = [ranking.kind == line.kind for ranking, line in zip(rankings, lines, strict=True)]
    truth = np.array([at[line.topic] for line in lines])
    return scoring.measure(np.array(likeliest), np.array(first), truth, _deputies(sources), float(np.mean(kinds)))


def _cross_validated(scores: Array, documents: Documents, sources: Sources) -> Scores:
    topics = len(documents.topics)
    probabilities = scoring.softmax(scores[:, :topics])
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    kinds = scores[:, topics : topics + len(KINDS)].argmax(axis=1) == documents.kinds[documents.tested]
    truth = documents.topic[documents.tested]
    return scoring.measure(likeliest, probabilities.max(axis=1), truth, _deputies(sources), float(kinds.mean()))


def _deputies(sources: Sources) -> list[str]:
    return [sources.topics[topic]["deputy"] for topic in sorted(sources.topics)]


def _chosen(documents: Documents, scores: Array) -> dict[str, str]:
    """Message → the topic it was given while it was held out."""
    best = scores[:, : len(documents.topics)].argmax(axis=1)
    names = [documents.lines[row].family for row in documents.tested]
    return {name: documents.topics[at] for name, at in zip(names, best, strict=True)}


def _truth(documents: Documents) -> dict[str, str]:
    return {documents.lines[row].family: documents.lines[row].topic for row in documents.tested}


def _better(target: Path, model: Model, documents: Documents) -> bool:
    """Whether the new model is right at least as often as the one on disk, each asked about what it had not seen."""
    if not target.exists():
        return True
    before: Mapping[str, str] = Model.from_bytes(target.read_bytes()).about["held_out"]
    after: Mapping[str, str] = model.about["held_out"]
    truth = _truth(documents)
    shared = before.keys() & after.keys() & truth.keys()
    right_before = sum(before[name] == truth[name] for name in shared)
    right_after = sum(after[name] == truth[name] for name in shared)
    print(f"of {len(shared)} held-out messages {right_before} were right before, {right_after} are now")
    for line in scoring.by_topic(before, after, truth):
        print(f"  {line}")
    return right_after >= right_before


def _print_confusions(documents: Documents, chosen: Mapping[str, str]) -> None:
    lines = [documents.lines[row] for row in documents.tested]
    given = [chosen[line.family] for line in lines]
    print("\nthe ten pairs most often taken for each other:")
    for row in scoring.confusions([line.topic for line in lines], given, [line.text for line in lines]):
        print(row)
