"""One training from files to file: cross-validate, fit on everything, compare with the former model, write."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from routing.classify import Classifier
from routing.model import FILE, Model
from routing.training.artefact import model_of, thresholds
from routing.training.fit import KINDS, Documents, fit, documents_of, held_out, vectors
from routing.training.recipe import Recipe
from routing.training.scores import HEADER, Array, Scores, by_topic, confusions as worst_pairs, measure, sharpness, softmax
from routing.training.sources import CATALOGUE, HERE, SECOND_TEST, Sources, read_lines, read_sources


def train(*, force: bool = False, confusions: bool = False, target: Path = CATALOGUE / FILE) -> bool:
    """Train, print the table of scores, and write the model; False when it got worse and was not written."""
    sources, recipe = read_sources(), Recipe()
    documents = documents_of(sources, recipe)
    space = vectors(documents, sources, recipe)
    scores = held_out(space.matrix, documents, recipe)
    truth = documents.topic[documents.tested]
    sharp = sharpness(scores[:, : len(documents.topics)], truth)
    chosen = dict(zip(_names(documents), _codes(documents, scores), strict=True))
    heads = fit(space.matrix, documents, recipe, np.arange(len(documents.texts)))
    scores[:, : len(documents.topics)] *= sharp
    about = {"hash": sources.hash, "data": sources.files, "held_out": chosen}
    about["thresholds"] = thresholds(scores, documents, sources).tolist()
    model = model_of(heads, space, sources, sharp, about)
    _print_scores(scores, documents, sources, model)
    if confusions:
        _print_confusions(documents, chosen)
    if not _better(target, chosen, _truth(documents)) and not force:
        print("the model got worse and was not replaced; --force replaces it")
        return False
    target.write_bytes(model.to_bytes())
    return True
