import math

import pytest
from common.events import Kind
from hypothesis import given, settings
from hypothesis import strategies as st
from routing import tables
from routing.city import City
from routing.classify import Classifier, ModelMismatch
from routing.features import MOST_WORDS, seen_as, stem, words_of
from routing.model import Model
from routing.training.measure import second_test
from routing.training.sources import read_sources

FALLEN = "درخت بزرگی افتاده وسط کوچه و راه بسته شده"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(City.load().topics)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        (FALLEN, "GS-TREE-FALL"),
        ("جوب کوچه پر از لجن شده لطفا لایروبی کنید", "US-GUTTER"),
        ("چراغ راهنمایی چهارراه خراب است و همه گیر کرده‌اند", "TT-SIGNAL"),
        ("چراغ‌های کوچه ما سوخته و شب‌ها تاریک است", "XX-POWER"),
        ("بوی گاز شدید از علمک می‌آید", "XX-GAS"),
        ("یک چاله بزرگ وسط خیابان است، لکه‌گیری کنید", "TC-POTHOLE"),
        ("چند روز است زباله‌ها را نبرده‌اند و ماشین زباله نیامده", "US-WASTE-COLLECT"),
        ("دستفروش‌ها جلوی مترو بساط پهن کرده‌اند", "US-OBSTRUCT-VENDOR"),
        ("راننده تاکسی کرایه اضافه گرفت", "TT-TAXI"),
        ("ﺩﺭﺧﺖ ﺍﻓﺘﺎﺩﻩ ﺭﻭﻱ ﻣﺎﺷﻴﻦ", "GS-TREE-FALL"),
        ("derakht oftade vasate kuche", "GS-TREE-FALL"),
    ],
)
def test_a_plain_text_gives_its_topic(classifier: Classifier, text: str, topic: str) -> None:
    assert classifier.rank([text])[0].suggestions[0].topic == topic


def test_a_clear_text_is_sure_and_names_the_words_that_spoke(classifier: Classifier) -> None:
    ranking = classifier.rank([FALLEN])[0]
    assert ranking.sure
    assert "درخت" in ranking.words or "افتاده" in ranking.words
    assert set(ranking.words) <= set(words_of(FALLEN))


@pytest.mark.parametrize("text", ["لطفا رسیدگی کنید", "کوچه ما مشکل دارد", "qwrt zxcv", "؟!", ""])
def test_a_text_that_says_nothing_is_unsure_with_three_suggestions(classifier: Classifier, text: str) -> None:
    ranking = classifier.rank([text])[0]
    assert not ranking.sure
    assert len({suggestion.topic for suggestion in ranking.suggestions}) == 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("از زحمات پاکبان محترم تشکر می‌کنم، خدا قوت", Kind.THANKS),
        ("پیشنهاد می‌کنم در همه مناطق شهر برای شهروندان کلاس آموزشی بگذارید", Kind.SUGGESTION),
        ("سلام، ساعت کار میدان تره‌بار تا چند است؟", Kind.INQUIRY),
        ("چاله جلوی پلاک ۵ را پر کنید", Kind.REQUEST),
    ],
)
def test_the_kind_is_read_from_the_text(classifier: Classifier, text: str, kind: Kind) -> None:
    assert classifier.rank([text])[0].kind == kind


def test_danger_is_more_urgent_than_a_wish(classifier: Classifier) -> None:
    danger, wish = classifier.rank(["بوی گاز شدید میاد زود بیاین", "درخواست نهال دارم"])
    assert danger.urgent > 0.4 > 0.2 > wish.urgent


def test_probabilities_are_in_order_and_no_more_than_one_in_all(classifier: Classifier) -> None:
    for ranking in classifier.rank([FALLEN, "", "آشغال و جوب و درخت و برق", "سلام"]):
        chances = [suggestion.probability for suggestion in ranking.suggestions]
        assert chances == sorted(chances, reverse=True)
        assert 0 < sum(chances) <= 1.0001
        assert all(0 <= chance <= 1 for chance in [*chances, ranking.urgent])


def test_a_batch_gives_what_each_text_alone_gives(classifier: Classifier) -> None:
    texts = [FALLEN, "", "بوی گاز میاد", "؟", "تابلو افتاده " * 40, *(f"چاله شماره {n} خیابان" for n in range(70))]
    for together, text in zip(classifier.rank(texts), texts, strict=True):
        alone = classifier.rank([text])[0]
        assert together.words == alone.words
        assert together.kind == alone.kind
        assert together.sure == alone.sure
        for one, other in zip(together.suggestions, alone.suggestions, strict=True):
            assert one.topic == other.topic
            assert math.isclose(one.probability, other.probability, abs_tol=1e-5)


def test_no_texts_give_no_rankings(classifier: Classifier) -> None:
    assert classifier.rank([]) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(), max_size=4))
def test_any_unicode_is_ranked(classifier: Classifier, texts: list[str]) -> None:
    rankings = classifier.rank(texts)
    assert [len(ranking.suggestions) for ranking in rankings] == [3] * len(texts)
    assert all(math.isfinite(ranking.suggestions[0].probability) for ranking in rankings)


def test_a_very_long_text_is_judged_by_its_beginning(classifier: Classifier) -> None:
    begun = classifier.rank([f"{FALLEN} " * 100])[0]
    longer = classifier.rank([f"{FALLEN} " * 100 + "مترو " * 5000])[0]
    assert len(words_of("مترو " * 5000)) == MOST_WORDS
    assert longer.suggestions[0].topic == begun.suggestions[0].topic == "GS-TREE-FALL"


def test_more_words_than_can_be_remembered_change_nothing(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = classifier.rank([FALLEN])
    monkeypatch.setattr(tables, "REMEMBERED", 512)
    small = Classifier(classifier.model)
    for start in range(0, 3000, 300):
        small.rank([" ".join(f"واژه{chr(1576 + n // 40)}{chr(1576 + n % 40)}" for n in range(start, start + 300))])
        assert small.rank([FALLEN]) == expected


@pytest.mark.parametrize("change", [{"US-NEW"}, {"TC-POTHOLE"}])
def test_a_model_for_another_catalogue_is_refused_with_the_command(change: set[str]) -> None:
    with pytest.raises(ModelMismatch, match=r"make model") as refused:
        Classifier.load(City.load().topics.keys() ^ change)
    assert change.pop() in str(refused.value)


def test_a_missing_model_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Model:
        raise FileNotFoundError

    monkeypatch.setattr(Model, "read", missing)
    with pytest.raises(ModelMismatch, match="make model"):
        Classifier.load(City.load().topics)


def test_the_model_carries_the_hash_of_its_data(classifier: Classifier) -> None:
    assert classifier.data_hash == classifier.model.about["hash"]
    assert len(classifier.data_hash) == 64


def test_the_second_test_is_passed_by_the_committed_model(classifier: Classifier) -> None:
    scores = second_test(classifier, read_sources())
    assert scores.count == 150
    assert scores.top1 >= 0.92
    assert scores.top3 >= 0.97
    assert scores.group >= 0.92
    assert scores.ece <= 0.08
    assert scores.kind >= 0.72
    assert scores.sure >= 0.6
    assert scores.sure_right >= 0.95


def test_endings_fall_off_but_never_a_whole_word() -> None:
    assert stem("درختهای") == stem("درختها") == stem("درخت") == "درخت"
    assert stem("پله") == "پله"
    assert stem("") == ""


def test_numbers_and_places_are_one_sign_each() -> None:
    assert seen_as("12", frozenset()) == seen_as("7", frozenset())
    assert seen_as("ونک", frozenset({"ونک"})) == seen_as("تجریش", frozenset({"تجریش"})) != "ونک"
    assert seen_as("ونک", frozenset()) == "ونک"
