"""Folding: spellings of one word meet, different words do not, and two normalisers made elsewhere agree."""

import importlib
from types import ModuleType

import pytest
from common.folding import fold
from common.lexicon import rows
from common.persian import normalise
from hypothesis import given, settings
from hypothesis import strategies as st

_MEET = (  # | is a ZWNJ
    "علی كتاب يك = علی کتاب یک", "مدرسة = مدرسه", "خانۀ ما = خانه|ی ما = خانه ی ما = خانه\u0654 ما = خانه ما",
    "آسفالت = اسفالت = أسفالت = إسفالت = ا\u0653سفالت", "مؤسسه = موسسه", "آئین = آیین", "رئیس = رییس = ريیس",
    "مسئول = مسؤول = مسوول = مسول", "مسئله = مسأله = مساله", "املاء = املا", "لطفا\u064b = لطفا = لطفن",
    "آیت|الله = آیت|اله = آیت ﷲ = آيت الله", "داوود = داود", "ﻣﻨﻄﻘﻪ ﻻله = منطقه لاله", "م\u0640\u0640حل = محل",
    "\u202bمتر\u200dو\u202c\ufeff = مترو", "خیلییییی = خیلی = خیلیییی", "کمککک = کمک",
    "پیاده|رو = پیاده رو = پیادهرو = پیادرو = پیاده  رو", "پیاده روها = پیاده|روها = پیاده رو ها = پیادهرو|ها",
    "می|کند = می کند = میکند", "نمی|شود = نمی شود = نمیشود", "کوچه|ها = کوچه ها = کوچهها", "کوچه|های ما = کوچه های ما",
    "بزرگ|ترین = بزرگ ترین = بزرگترین", "سریع|تر = سریع تر = سریعتر", "شده|اند = شده اند", "شده|است = شده است",
    "خم|شده = خم شده", "کوچه|مون = کوچه مون", "جلو ی در = جلوی در", "رفت و آمد = رفت|و|آمد = رفت|وآمد = رفتوآمد",
    "جمع آوری زباله = جمع|آوری زباله = جمعآوری زباله", "دست فروشان = دست|فروشان = دستفروشان", "بی جواب = بی|جواب",
    "سعادت آباد = سعادت|آباد = سعادتآباد = سعادت اباد", "بی آر تی = بی|آرتی = BRT = brt", "خیابون = خیابان",
    "اطاق = اتاق", "رو به روی = روبه|روی = روبروی", "پلاک۳ = پلاک 3 = پلاک ٣ = پلاک\u00a0۳", "۱٬۰۰۰ = 1000 = ١٠٠٠",
    "سلام،خوبید؟ = سلام خوبید = سلام ... «خوبید»!! = سلام🙏خوبید = سلام\n\nخوبید", "پارک Laleh = پارک لاله",
    "ATM = atm", "Ｍｅｔｒｏ = metro = مترو",
)  # fmt: skip
_APART = (
    "پیاده = پیاده‌رو", "شیر = سیر", "کار = گار", "بار = پار", "چوب = جوب", "ژاله = زاله", "پل = پول", "صدا = سد",
    "می = نمی", "کوچه = کوچک", "کوچه = کوچه‌ها", "بزرگ = بزرگ‌تر", "بزرگ‌تر = بزرگ‌ترین", "می‌شود = نمی‌شود",
    "۱۲ = ۲۱", "۱۲ = ۱ ۲", "2000 = 20", "۱۱۱ = ۱", "منطقه ۲ = منطقه ۲۲", "درخت = درختان", "ممنون = منون", "مدد = مد",
    "جنوبی = جنوب", "راه = را", "خانه = خانم", "برق = برگ", "نشت = نشست", "آب گرفت = آب‌گرفتگی", "ضرر = زرر",
    "خانه است = خانه", "گاز = گازی", "این است = اینست", "قطع = قطعه", "سطل = ساطل",
)  # fmt: skip
# What hazm-normalizer 0.3.0 (Normalizer(persian_numbers=False)) makes of a text. It parts with fold in joining every
# "… شده" and the compounds of its own lexicon, in keeping a letter twice that was drawn out, and in not joining بی.
_HAZM = (
    "كتاب علي = کتاب علی", "مي روم = می|روم", "نمی دانم = نمی|دانم", "کوچه ها = کوچه|ها",
    "کوچه های ما = کوچه|های ما", "بزرگ تر = بزرگ|تر", "بزرگ ترین = بزرگ|ترین", "شده اند = شده|اند",
    "رفته ام = رفته|ام", "خانه ی ما = خانه|ی ما", "سلاممممم = سلام", "خیلییییی بد = خیلی بد",
    "مواد\u0651 غذایی = مواد غذایی", "لطفا\u064b = لطفا", "حتما\u064b رسیدگی = حتما رسیدگی", "۱۲ تا = ۱۲ تا",
    "١٢ متر = ١٢ متر", "پلاک ۳ = پلاک ۳", "می|شود = می|شود", "نمی شود = نمی|شود", "درخت ها = درخت|ها",
    "سطل هایی = سطل|هایی", "پله هاش = پله هاش", "سریع تر = سریع|تر", "نوشته اند = نوشته|اند",
    "گرفته ایم = گرفته|ایم", "بسته اید = بسته|اید", "شکسته ای = شکسته|ای", "م\u0640\u0640\u0640حل = محل",
    "مسألة = مسألة", "مؤسسه = مؤسسه", "\ufee3\ufee8\ufec4\ufed8\ufeea = منطقه",
    "\ufb58\ufe8e\ufead\ufb8e = پارک", "سگ ها = سگ|ها", "ماشین های پارک شده = ماشین|های پارک شده",
    "می کند = می|کند", "می کنند = می|کنند", "می|ریزند = می|ریزند", "نمی ریزد = نمی|ریزد",
    "خیابان هایمان = خیابان هایمان", "خیابان|ها = خیابان|ها", "گربه هایشان = گربه هایشان",
    "ک\u200dتاب = ک\u200dتاب", "سلام\u200f دنیا = سلام\u200f دنیا", "کوچه||ها = کوچه|ها",
    "این   خیابان = این خیابان", "رسیدگی\u00a0کنید = رسیدگی کنید", "هوای تهران = هوای تهران",
    "خسته ام = خسته|ام", "کنده اند = کنده|اند", "چراغ ها خاموش اند = چراغ|ها خاموش اند",
    "می گیرند = می|گیرند", "نمی آید = نمی|آید", "می آیند = می|آیند", "آن ها = آن|ها", "بچه ها = بچه|ها",
    "وسیله ای = وسیله|ای", "راننده ای = راننده|ای", "دریچه ی فاضلاب = دریچه|ی فاضلاب",
)  # fmt: skip
_LETTERS = "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
_WORDS = sorted(
    {part for name in ("compounds", "spellings") for row in rows(name) for word in row for part in word.split("|")}
    | set("ی ه و ا ها های تر ترین ام ای اند می نمی بی است شده الله ل آباد مون 5 a salam kuche in the خانه دهه".split())
)
_ODD = st.text(
    st.one_of(
        st.sampled_from(" ,\n\t\r\x00\u200c\u200b\u0640\u0654\ud800يىكیکهۀةآأوؤئءلﷲﻻشا۳٣3abexiAX'’½ﬁ㎡"),
        st.characters(),
    )
)
_TEXTS = st.lists(st.tuples(st.sampled_from(_WORDS) | _ODD, st.sampled_from(["", " ", "\u200c", ".", "\u200c "]))).map(
    lambda parts: "".join(word + end for word, end in parts)
)


@pytest.mark.parametrize("spellings", _MEET)
def test_every_spelling_of_a_word_meets(spellings: str) -> None:
    texts = spellings.replace("|", "\u200c").split(" = ")
    assert len({fold(text) for text in texts}) == 1, {text: fold(text) for text in texts}
    assert fold(texts[0])


@pytest.mark.parametrize("words", _APART)
def test_different_words_stay_apart(words: str) -> None:
    one, other = words.split(" = ")
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("\u200c \u0640 🙏!", ""),
        ("می‌خواهم آشغال‌های پیاده رو را، فوراً ببرید!", "میخواهم اشغالهای پیادهرو را فورا ببرید"),
        ("كوچه ي ٥ پلاك ۱۲/۳", "کوچه 5 پلاک 12 3"),
        ("Please clean our street", "please clean our street"),
        ("لامپ LED سوخته، مدل XQ12", "لامپ الایدی سوخته مدل xq 12"),
        ("﷼ ﷺ ½", ""),
        ("\ud83d سلام \udfff", "سلام"),
    ],
)
def test_what_is_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(_TEXTS)
@settings(max_examples=300, deadline=None)
def test_folding_is_total_idempotent_and_bounded(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert len(once) <= 3 * len(text)
    assert once == " ".join(once.split())
    once.encode()


@given(_TEXTS)
@settings(max_examples=300, deadline=None)
def test_normalising_is_total_idempotent_and_bounded(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert len(once) <= 3 * len(text)
    once.encode()


@given(_TEXTS)
@settings(max_examples=200, deadline=None)
def test_what_is_stored_folds_like_what_was_typed(text: str) -> None:
    # The one exception: seven control characters that Python counts as spaces are struck off for storing.
    typed = "".join(character for character in text if character not in "\x0b\x0c\x1c\x1d\x1e\x1f\x85")
    assert fold(normalise(typed)) == fold(typed)


def test_every_character_folds_once_and_for_all() -> None:
    characters = [chr(code) for code in (*range(0x3000), *range(0xD7F0, 0xE010), *range(0xFB00, 0x10000))]
    folded = {character: fold(character) for character in characters}
    assert [character for character, once in folded.items() if fold(once) != once or len(once) > 3] == []


def test_a_hostile_text_takes_no_time_out_of_proportion() -> None:
    assert len(fold("می " * 5_000)) < 15_000
    assert fold("خانه " + "ی " * 20_000) == "خانه"
    assert fold("س" * 50_000) == "س"


def test_no_compound_stands_in_another_ones_way() -> None:
    joined = {fold(" ".join(row)) for row in rows("compounds")}
    assert all(" " not in word for word in joined)
    assert {fold(row[0]) for row in rows("compounds")}.isdisjoint(joined)


def test_a_spelling_is_its_own_and_every_variant_gives_it() -> None:
    for spelling, *variants in rows("spellings"):
        assert variants
        assert {fold(variant) for variant in variants} == {fold(spelling)}, spelling


@pytest.fixture(scope="module")
def independent() -> ModuleType:
    """The package `persian` of the Python index, a normaliser without dependencies."""
    try:
        return importlib.import_module("persian")
    except ModuleNotFoundError:
        pytest.fail("the package `persian` is missing: run `make setup`")


@given(st.text(st.sampled_from(_LETTERS.replace("و", "") + "يىك۰۱۲٣٤"), min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
def test_an_independent_normaliser_gives_the_same_letters_and_digits(independent: ModuleType, word: str) -> None:
    word = "".join(
        letter for at, letter in enumerate(word) if letter not in word[max(0, at - 2) : at]
    )  # none drawn out
    theirs = independent.convert_fa_numbers(independent.convert_ar_numbers(independent.convert_ar_characters(word)))
    assert fold(word).replace(" ", "") == theirs


@pytest.mark.parametrize(
    "text", ["ما مي رويم", "لطفاً نمي دانم", "او می‌آید و مي رود", "بدُونِ حدّ و مرز", "پلاك ١٢ كوچه ۳۴"]
)
def test_what_an_independent_normaliser_changes_folding_does_not_see(independent: ModuleType, text: str) -> None:
    theirs = independent.normalize_persian(independent.remove_arabic_diacritics(text))
    assert theirs != text
    assert fold(theirs) == fold(text)


@pytest.mark.parametrize("pair", _HAZM)
def test_what_hazm_changes_folding_does_not_see(pair: str) -> None:
    typed, theirs = pair.replace("|", "\u200c").split(" = ")
    assert fold(theirs) == fold(typed)
