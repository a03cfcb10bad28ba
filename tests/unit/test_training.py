import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from routing.classify import Classifier
from routing.model import Model
from routing.training import families as grouping
from routing.training.__main__ import main
from routing.training.artefact import model_of, thresholds
from routing.training.check import check
from routing.training.corrections import import_corrections
from routing.training.documents import KINDS, Documents, Heads, documents_of
from routing.training.families import FOLDS, families, folds
from routing.training.recipe import Recipe
from routing.training.scores import Choices, calibration_error, compare, confusions, measure, sharpness, softmax
from routing.training.sources import HERE, MESSAGES, SECOND_TEST, Line, Sources, read_lines, read_sources
from routing.training.vectors import vectors_of

TOPICS = {
    "US-RUBBLE": {"deputy": "urban", "unit": "urban", "handled_by": "nahiye", "urgent": "no"},
    "US-GUTTER": {"deputy": "urban", "unit": "urban", "handled_by": "nahiye", "urgent": "no"},
    "TT-BUS": {"deputy": "traffic", "unit": "bus", "handled_by": "hq", "urgent": "no"},
    "XX-GAS": {"deputy": "out-of-scope", "unit": "refer-194", "handled_by": "hq", "urgent": "no"},
}


def a_line(text: str, family: str, *, topic: str = "US-GUTTER", source: str = MESSAGES) -> Line:
    return Line(text, topic, "request", False, family, source)


@pytest.fixture(scope="module")
def sources() -> Sources:
    return read_sources()


def test_lines_alike_in_their_letters_are_one_family() -> None:
    lines = [
        a_line("جوی آب جلوی پلاک پنج پر از لجن شده است", "d0001"),
        a_line("جوی آب جلوی پلاک هفت پر از لجن شده است لطفا", "d0002"),
        a_line("نهر پشت خانه ما بوی بدی می‌دهد", "d0003"),
        a_line("جوی آب جلوی پلاک پنج پر از لجن شده است", "other", topic="US-RUBBLE"),
    ]
    assert families(lines) == ["d0001", "d0001", "d0003", "other"]


def test_alike_through_a_third_is_alike_too() -> None:
    lines = [
        a_line("برگ و لجن در جوی مانده", "d0001"),
        a_line("برگ و لجن در جوی مانده، آب از پل بالا زده و به خیابان می‌ریزد", "d0002"),
        a_line("آب از پل بالا زده و به خیابان می‌ریزد", "d0003"),
    ]
    assert len(set(families(lines))) == 1


@pytest.fixture(scope="module")
def some(sources: Sources) -> list[Line]:
    """The lines of a part of the topics; comparing all takes a second."""
    return [line for line in sources.lines if line.topic.startswith(("TC-", "GS-"))]


def test_no_family_is_split_between_folds(some: list[Line]) -> None:
    by_family: dict[str, set[int | None]] = {}
    for family, fold in zip(families(some), folds(some), strict=True):
        by_family.setdefault(family, set()).add(fold)
    assert all(len(held) == 1 for held in by_family.values())
    assert {fold for held in by_family.values() for fold in held} == {None, *range(FOLDS)}


def test_a_line_like_a_message_is_held_out_with_it_and_others_never() -> None:
    lines = [
        a_line("جوی آب جلوی پلاک پنج پر از لجن شده است", "d0001"),
        a_line("جوی آب جلوی پلاک نه پر از لجن شده است", "x1", source="lines-1.jsonl"),
        a_line("کانیو سر نبش گرفته", "x2", source="lines-1.jsonl"),
    ]
    held = folds(lines)
    assert held[0] is not None
    assert held == [held[0], held[0], None]


def test_new_lines_do_not_move_old_messages_to_other_folds(some: list[Line]) -> None:
    few = [line for line in some if line.topic == "GS-PRUNE"]
    more = [a_line("یک خط تازه که به هیچ چیز نمی‌ماند ژژژ", "zz", topic="GS-PRUNE", source="corrections.jsonl"), *few]
    assert folds(more)[1:] == folds(few)


def test_nothing_of_the_second_test_is_trained_on(sources: Sources) -> None:
    kept = {line.text for line in read_lines(HERE / SECOND_TEST)}
    assert len(kept) == 150
    assert not kept & {line.text for line in sources.lines}
    assert SECOND_TEST not in sources.files


def test_the_committed_model_belongs_to_the_committed_data() -> None:
    assert check() is None


def test_a_changed_file_gives_another_hash(sources: Sources) -> None:
    assert dataclasses.replace(sources, files={**sources.files, "lexicon.yaml": "0"}).hash != sources.hash
    assert dataclasses.replace(sources, lines=sources.lines[1:]).hash != sources.hash


def test_a_model_of_other_data_is_named_with_the_command(tmp_path: Path) -> None:
    model = Model.read()
    other = dataclasses.replace(model, about={**model.about, "hash": "0"})
    (tmp_path / "model.npz").write_bytes(other.to_bytes())
    assert "make model" in str(check(tmp_path / "model.npz"))
    assert "make model" in str(check(tmp_path / "none.npz"))


def test_the_same_model_is_the_same_bytes() -> None:
    packed = Model.read().to_bytes()
    assert Model.from_bytes(packed).to_bytes() == packed


def corrections_file(folder: Path, *rows: object) -> Path:
    path = folder / "export.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_corrections_become_lines_and_the_later_topic_counts(tmp_path: Path) -> None:
    first = corrections_file(
        tmp_path, {"text": "آب", "topic": "US-GUTTER", "by": "x"}, {"text": "خاک", "topic": "US-RUBBLE"}
    )
    assert import_corrections(first, TOPICS, tmp_path) == 2
    assert import_corrections(first, TOPICS, tmp_path) == 0
    again = corrections_file(tmp_path, {"text": "آب", "topic": "US-RUBBLE", "kind": "complaint"})
    assert import_corrections(again, TOPICS, tmp_path) == 1
    lines = read_lines(tmp_path / "corrections.jsonl")
    assert [(line.text, line.topic, line.kind) for line in lines] == [
        ("آب", "US-RUBBLE", "complaint"),
        ("خاک", "US-RUBBLE", None),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"text": "آب", "topic": "NO-SUCH"}, "NO-SUCH is no topic"),
        ({"text": " ", "topic": "TT-BUS"}, "no text"),
        ({"text": "آب", "topic": "TT-BUS", "kind": "joke"}, "joke is no kind"),
        (["آب"], "no text"),
    ],
)
def test_a_bad_correction_is_named_and_nothing_is_written(tmp_path: Path, row: object, problem: str) -> None:
    file = corrections_file(tmp_path, {"text": "خوب", "topic": "TT-BUS"}, row)
    with pytest.raises(ValueError, match=f"line 2.*{problem}"):
        import_corrections(file, TOPICS, tmp_path)
    assert not (tmp_path / "corrections.jsonl").exists()


def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corrections", str(corrections_file(tmp_path, {"text": "آب", "topic": "?"}))]) == 1
    assert "line 1" in capsys.readouterr().err


def test_running_sees_what_training_saw() -> None:
    texts = ["جوب پر از لجن است؟", "", "اتوبوس خط ۱۲ نیامد", "نخاله ریخته‌اند کنار کوچه", "اتوبوس نیامد نیامد نیامد"]
    recipe = Recipe(least={"words": 1, "letters": 1, "pairs": 1})
    space = vectors_of(texts, recipe, frozenset())
    dice = np.random.default_rng(1)
    size = len(TOPICS) + len(KINDS) + 1
    heads = Heads(dice.normal(size=(space.matrix.shape[1], size)), dice.normal(size=size))
    some = Sources(TOPICS, [], {}, frozenset(), {})
    model = model_of(heads, space, some, (2.0, np.zeros(len(TOPICS))), {"hash": ""})
    expected = softmax(2.0 * heads.scores(space.matrix)[:, : len(TOPICS)])
    for ranking, chances in zip(Classifier(model).rank(texts), expected, strict=True):
        found = [suggestion.probability for suggestion in ranking.suggestions]
        assert found == pytest.approx(sorted(chances, reverse=True)[:3], abs=0.01)


def decided(truth: list[str], chosen: list[str]) -> tuple[np.ndarray, Documents, Sources]:
    lines = [a_line(str(at), f"d{at:04d}", topic=topic) for at, topic in enumerate(truth)]
    sources = Sources(TOPICS, lines, {}, frozenset(), {})
    documents = documents_of(sources, Recipe())
    scores = np.array([[9.0 * (topic == code) for code in documents.topics] for topic in chosen])
    return scores, documents, sources


def test_a_topic_whose_errors_stay_in_its_unit_is_referred_sooner() -> None:
    near = decided(["US-RUBBLE"] * 20, ["US-GUTTER"] * 20)
    far = decided(["US-RUBBLE"] * 20, ["TT-BUS"] * 20)
    gutter = near[1].topics.index("US-GUTTER")
    assert thresholds(*near)[gutter] < thresholds(*far)[gutter]


def test_closing_as_out_of_scope_needs_more_certainty_than_a_referral() -> None:
    limits = thresholds(*decided(["US-RUBBLE"] * 20, ["TT-BUS"] * 20))
    assert limits[3] > limits[0]
    assert all(0 < limit < 1 for limit in limits)


def test_a_comparison_is_worse_only_when_fewer_are_right() -> None:
    truth = {"a": "X", "b": "Y", "c": "Y"}
    good, bad = {"a": "X", "b": "Y", "c": "X"}, {"a": "X", "b": "X", "c": "X", "later": "X"}
    assert compare(good, bad, truth).worse
    assert not compare(bad, good, truth).worse
    assert not compare(good, good, truth).worse
    assert compare(good, bad, truth).topics == {"X": (1, 1, 1), "Y": (2, 1, 0)}
    assert "Y                               2       1      0 *" in compare(good, bad, truth).text()


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    assert calibration_error(np.array([0.8] * 10), np.array([True] * 8 + [False] * 2)) == pytest.approx(0)
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, False])) == pytest.approx(0.5)


def test_scores_that_are_too_bold_are_softened_and_shy_ones_sharpened() -> None:
    dice = np.random.default_rng(2)
    true_scores = dice.normal(size=(4000, 5)) * 2
    truth = np.array([dice.choice(5, p=chances) for chances in softmax(true_scores)])
    assert sharpness(true_scores / 4, truth) == pytest.approx(4, abs=0.5)


def test_shares_are_of_first_three_and_deputy() -> None:
    likeliest = np.array([[0, 1, 2], [1, 0, 2], [3, 1, 2], [3, 2, 1]])
    sure, kind = np.array([True, True, False, False]), np.array([True, False, False, False])
    choices = Choices(likeliest, np.ones(4), sure, kind)
    scores = measure(choices, np.array([0, 0, 0, 3]), ["a", "a", "b", "b"])
    assert (scores.top1, scores.top3, scores.group) == (0.5, 0.75, 0.75)
    assert (scores.sure, scores.sure_right, scores.kind) == (0.5, 0.5, 0.25)


def test_confusions_count_a_pair_both_ways_and_the_worst_is_first() -> None:
    lines = confusions(["A", "B", "C", "A"], ["B", "A", "A", "A"], ["one", "two", "three", "four"])
    assert lines[0] == "A / B: 2"
    assert lines[1].strip() == "A taken for B: one"
    assert len(lines) == 5


def test_a_family_is_named_after_its_first_message() -> None:
    lines = [a_line("جوی آب پر از لجن", "a-line", source="lines-1.jsonl"), a_line("جوی آب پر از لجن", "d0009")]
    assert families(lines) == ["d0009", "d0009"]
    assert grouping.FOLDS == FOLDS
