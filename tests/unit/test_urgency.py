"""What makes a message urgent, what takes it back, and how often that is right."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from common.folding import fold
from common.phrases import PhraseTable
from common.signs import known_signs, signs_in
from routing.training import urgency as training
from routing.urgency import Urgency, urgency

# urgent text, the same matter denied, past, solved or supposed, topic, urgent by default
PAIRS = [
    ("از علمک بوی گاز میاد", "دیگه بوی گاز نمیاد، فقط کنتور جابه‌جا شود", "XX-GAS", False),
    ("مخزن آتش گرفته، زود بیاین", "مخزن پارسال آتش گرفته بود، سطل نو می‌خواهیم", "US-WASTE-BIN", False),
    ("شاخه روی سیم برق جرقه میزنه", "شاخه نزدیک سیم برق است، نه جرقه می‌زند نه خطری دارد", "GS-TREE-WIRE", True),
    ("آب داره میاد تو زیرزمین ما",
     "زمستان گذشته آب آمد تو زیرزمین، خسارت را از کجا بگیریم؟", "US-FLOOD-BUILDING", True),
    ("درخت افتاده رو ماشین، کوچه بسته شده", "درختی که هفته پیش افتاده بود را بردند، ممنونم", "GS-TREE-FALL", True),
    ("در چاه وسط پیاده‌رو نیست، بچه افتاد توش", "دریچه چاه لق است و تق تق می‌کند، درش سر جاشه", "TC-MANHOLE", True),
    ("چراغ قرمز چهارراه خاموشه، الان تصادف شد",
     "ثانیه‌شمار چراغ راهنما خرابه ولی چراغ درست کار می‌کند", "TT-SIGNAL", True),
    ("آمبولانس نمیتونه رد بشه، مصالح ریختن",
     "مصالح ریختن تو پیاده‌رو، لطفا بررسی شود", "US-OBSTRUCT-MATERIAL", False),
    ("سگ حمله کرده بچه رو گاز گرفته", "سگ‌ها زیاد شده‌اند، تا حالا به کسی حمله نکرده‌اند", "US-ANIMAL", False),
    ("زمین دهن باز کرده ماشین افتاد توش",
     "آسفالت از پارسال کمی نشسته و ثابت مانده است، خطری ندارد", "TC-SUBSIDENCE", True),
    ("داربست داره میریزه رو پیاده‌رو", "داربست محکمه و خطری نداره، فقط زشته", "OR-HAZARD", True),
    ("تو آسانسور پل عابر گیر کردیم", "آسانسور پل عابر یک ماهه خرابه، درخواست تعمیر داریم", "TT-ESCALATOR", False),
    ("خیابون یخ زده ماشینا سر میخورن", "قبل از زمستان مخزن شن و نمک را پر کنید", "US-SALT", True),
    ("گود کنار خانه ریزش کرده دیوار ما ترک برداشته",
     "آیا گودبرداری مجوز دارد؟ هنوز شروع نکرده‌اند", "UP-EXCAVATION", True),
]  # fmt: skip


def told(text: str, topic: str | None, default: bool) -> Urgency:
    return urgency(fold(text), topic, default)


@pytest.mark.parametrize(("urgent", "_calm", "topic", "default"), PAIRS)
def test_danger_now_is_urgent(urgent: str, _calm: str, topic: str, default: bool) -> None:
    assert told(urgent, topic, default).urgent


@pytest.mark.parametrize(("_urgent", "calm", "topic", "default"), PAIRS)
def test_danger_denied_past_solved_or_supposed_is_not(_urgent: str, calm: str, topic: str, default: bool) -> None:
    assert not told(calm, topic, default).urgent


@pytest.mark.parametrize("text", ["بوی گاز شدید میاد تو راه‌پله زود بیاین", "boye gaz miad zood biain"])
def test_danger_is_seen_without_a_topic_and_in_latin_letters(text: str) -> None:
    assert told(text, None, False).urgent


def test_the_text_outweighs_a_wrong_topic() -> None:
    assert told("کابل برق پاره شده افتاده کف خیابون جرقه میزنه", "US-CLEAN-STREET", False).urgent
    assert not told("آتش را خاموش کردین، دستتون درد نکنه", "US-FLOOD-STREET", True).urgent


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("آتش‌سوزی شده، دود سیاه گرفته همه جا رو", "smoke"),
        ("مادربزرگم حالش بده", "medical"),
        ("حال پدرم بد شده", "medical"),
        ("یه آمبولانس بفرستید", "rescue"),
        ("سریع آتش نشانی رو خبر کنید", "rescue"),
        ("تو کوچه شلیک کردن", "shots"),
    ],
)
def test_a_life_in_danger_is_a_sign(text: str, sign: str) -> None:
    assert sign in signs_in(fold(text))


@pytest.mark.parametrize("text", ["تیراندازی شده", "با اسلحه تهدیدمون کردن", "آتش‌سوزی شده دود سیاه میاد"])
def test_shots_and_fire_are_urgent_though_the_model_never_read_the_like(text: str) -> None:
    assert urgency(fold(text), "XX-OTHER", False, 0.07).urgent


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("دیشب داربست افتاد، جمعش کردن", "OR-HAZARD"),
        ("یه بچه افتاد تو چاله، خوشبختانه پرش کردید", "TC-POTHOLE"),
        ("درخت افتاده رو بردن ولی ریشه‌ش مونده", "GS-TREE-FALL"),
        ("شاخه شکسته بود، برش داشتند", "GS-TREE-FALL"),
    ],
)
def test_what_was_mended_or_taken_away_is_over(text: str, topic: str) -> None:
    assert not urgency(fold(text), topic, topic in training.urgent_topics(), 0.25).urgent


def test_a_lid_or_a_person_taken_away_is_no_comfort() -> None:
    assert "opening" in signs_in(fold("دریچه منهول رو بردن"))
    assert "injured" in signs_in(fold("پاش شکست، اون رو بردن بیمارستان"))
    assert "mended" not in signs_in(fold("آدم‌ربایی شد، همین الان بردنش"))


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("با اسلحه ماشین رو بردن", "shots"),
        ("با چاقو گوشیمو رو بردن", "attack"),
        ("با قمه گوشی رو بردن", "attack"),
        ("سگ گاز گرفت، بچه رو بردن بیمارستان", "attack"),
    ],
)
def test_what_robbers_take_away_is_no_comfort(text: str, sign: str) -> None:
    assert sign in signs_in(fold(text))


@pytest.mark.parametrize("text", ["درخت افتاده، برای جمعش کردن نیرو بفرستید", "برای پرش کردن چاله بیایید"])
def test_what_is_yet_to_be_mended_is_not(text: str) -> None:
    assert "mended" not in signs_in(fold(text))


def test_an_urgent_topic_alone_is_enough_and_another_is_not() -> None:
    assert told("کوچه لاله", "TC-MANHOLE", True) == Urgency(
        True, "urgent by its topic, and the text takes nothing back"
    )
    assert told("کوچه لاله", "TT-BUS", False) == Urgency(False, "nothing in the text speaks of danger")
    assert not told("کوچه لاله", None, False).urgent


def test_the_reason_quotes_the_words() -> None:
    assert told("سلام، مخزن آتش گرفته است", "US-WASTE-BIN", False).because == "fire: «اتش گرفته»"
    assert told("شاخه شکسته ولی خطری ندارد", "GS-TREE-FALL", True).because.startswith(
        "no danger, it says: «خطری ندارد»"
    )


def test_a_denial_takes_back_only_what_it_stands_by() -> None:
    assert "gas" not in signs_in(fold("بوی گاز نمیاد"))
    assert "gas" in signs_in(fold("بوی گاز شدید از سر کوچه تا مسجد پیچیده و کسی نمیاد"))


def test_an_empty_text_says_nothing() -> None:
    assert signs_in("") == {}
    assert not told("", "TT-BUS", False).urgent


def test_every_danger_weighs_up_and_every_calm_weighs_down() -> None:
    weights = dict(zip(training.columns(), training.fit(training.learnt_from()[::4]), strict=True))
    assert all(weights[name] * sign.prior >= 0 for name, sign in known_signs().items())


def test_the_labelled_messages_are_told_apart() -> None:
    recall, precision = _measured([one for one in _labelled() if "family" not in one])
    assert recall >= 0.95
    assert precision >= 0.84


def test_the_second_test_is_told_apart() -> None:
    recall, precision = _measured(training.second_test())
    assert recall >= 0.92
    assert precision >= 0.85


def test_the_second_test_covers_the_catalogue_and_is_never_learnt_from() -> None:
    second = training.second_test()
    learnt = {fold(message["text"]) for message in _labelled()}
    assert len(second) == 150
    assert len({message["topic"] for message in second}) == 67
    assert learnt.isdisjoint(fold(message["text"]) for message in second)


def test_phrases_know_choices_beginnings_and_gaps() -> None:
    table = PhraseTable({"hole": "(چاه|در منهول) .. باز*", "fire": "آتش گرفت"}, fold)
    assert table.find(fold("چاه وسط کوچه بازه").split()) == [("hole", 0, 4)]
    assert table.find(fold("در منهول باز مانده").split()) == [("hole", 0, 3)]
    assert table.find(fold("چاه یک دو سه چهار باز").split()) == []
    assert table.find(fold("سطل آتش گرفت").split()) == [("fire", 1, 3)]


@pytest.mark.parametrize("phrase", ["(،|چاه) باز", "د*"])
def test_a_phrase_of_which_too_little_is_left_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="too little"):
        PhraseTable({"bad": phrase}, fold)


@cache
def _labelled() -> Sequence[Any]:
    return training.learnt_from()


def _measured(messages: Sequence[Any]) -> tuple[float, float]:
    """Recall and precision of what the service itself says, with the labelled topic."""
    defaults = training.urgent_topics()
    said = [told(one["text"], one["topic"], one["topic"] in defaults).urgent for one in messages]
    right = sum(one["urgent"] and urgent for one, urgent in zip(messages, said, strict=True))
    return right / sum(one["urgent"] for one in messages), right / sum(said)


def test_signs_and_the_models_word_on_the_text_are_added_up() -> None:
    text = fold("لطفا زودتر رسیدگی کنید")
    assert not urgency(text, "US-GUTTER", False, 0.05).urgent
    assert urgency(text, "US-GUTTER", False, 0.99).urgent
    assert not urgency(fold("آتش خاموش شد"), "US-GUTTER", False, 0.05).urgent


@pytest.mark.parametrize("likely", [0.0, 1.0])
def test_a_model_that_is_quite_sure_is_bounded(likely: float) -> None:
    assert urgency(fold("درخت افتاده"), None, False, likely).because
