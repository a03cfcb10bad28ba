"""One training from files to file: cross-validate, fit on everything, compare with the former model, write."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from routing.classify import Classifier
from routing.model import FILE, Model
from routing.training import scores as scoring
from routing.training.artefact import model_of, thresholds
from routing.training.documents import KINDS, Array, Documents, documents_of
from routing.training.fit import fit, held_out
from routing.training.measure import deputies, second_test
from routing.training.recipe import BOLDER, Recipe
from routing.training.scores import Choices, Scores
from routing.training.sources import CATALOGUE, Sources, read_sources
from routing.training.urgency import urgency_rows
from routing.training.vectors import vectors_of

MODEL = CATALOGUE / FILE


def train(*, force: bool = False, confusions: bool = False, target: Path = MODEL) -> bool:
    """Train, print the table of scores, and write the model; False when it got worse and was not written."""
    sources, recipe = read_sources(), Recipe()
    documents = documents_of(sources, recipe)
    space = vectors_of(documents.texts, recipe, sources.places)
    scores = held_out(space.matrix, documents, recipe)
    sharp = BOLDER * scoring.sharpness(scores[:, : len(documents.topics)], documents.topic[documents.tested])
    scores[:, : len(documents.topics)] *= sharp
    heads = fit(space.matrix, documents, recipe, np.arange(len(documents.texts)))
    chosen = _chosen(documents, scores)
    about = {"hash": sources.hash, "data": sources.files, "held_out": chosen}
    limits = thresholds(scores, documents, sources)
    model = model_of(heads, space, sources, (sharp, limits), about)
    print(scoring.HEADER)
    print(_cross_validated(scores, limits, documents, sources).row("cross-validated by family"))
    print(second_test(Classifier(model), sources).row("second test, never trained"))
    for row in urgency_rows(documents, scores[:, -1], Classifier(model)):
        print(row)
    if confusions:
        _print_confusions(documents, chosen)
    if not _better(target, model, documents) and not force:
        print("the model got worse and was not replaced; --force replaces it")
        return False
    target.write_bytes(model.to_bytes())
    return True


def _cross_validated(scores: Array, limits: Array, documents: Documents, sources: Sources) -> Scores:
    topics = len(documents.topics)
    probabilities = scoring.softmax(scores[:, :topics])
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    kinds = scores[:, topics : topics + len(KINDS)].argmax(axis=1)
    first = probabilities.max(axis=1)
    right_kind = kinds == documents.kinds[documents.tested]
    choices = Choices(likeliest, first, first >= limits[likeliest[:, 0]], right_kind)
    return scoring.measure(choices, documents.topic[documents.tested], deputies(sources))


def _chosen(documents: Documents, scores: Array) -> dict[str, str]:
    """Message → the topic it was given while it was held out."""
    best = scores[:, : len(documents.topics)].argmax(axis=1)
    names = [documents.lines[row].family for row in documents.tested]
    return {name: documents.topics[at] for name, at in zip(names, best, strict=True)}


def _better(target: Path, model: Model, documents: Documents) -> bool:
    """Whether the new model does at least as well as the one on disk, each asked about what it had not seen."""
    if not target.exists():
        return True
    before = Model.from_bytes(target.read_bytes()).about["held_out"]
    truth = {documents.lines[row].family: documents.lines[row].topic for row in documents.tested}
    compared = scoring.compare(before, model.about["held_out"], truth)
    print(compared.text())
    return not compared.worse


def _print_confusions(documents: Documents, chosen: Mapping[str, str]) -> None:
    lines = [documents.lines[row] for row in documents.tested]
    given = [chosen[line.family] for line in lines]
    print("\nthe ten pairs most often taken for each other:")
    for row in scoring.confusions([line.topic for line in lines], given, [line.text for line in lines]):
        print(row)
