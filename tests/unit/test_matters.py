import csv
import random
from collections import Counter
from importlib.resources import files

import pytest
from common.folding import fold
from hypothesis import given
from hypothesis import strategies as st
from routing.matters import Agreement, Matter, agreement

SAME = [
    ("چاله عمیقی وسط خیابان است", "یه گودال بزرگ دم در پارکینگ ما باز شده"),
    ("چاله‌های آسفالت کوچه نسترن رو پر کنید", "دست‌انداز خیلی بدی درست شده کمک‌فنر ماشین داغون شد"),
    ("درپوش منهول نیست", "دریچه چاه باز مونده بچه میفته توش"),
    ("دریچه فاضلاب شکسته است", "درپوش منهول شکسته و زیر چرخ صدا می‌دهد"),
    ("درخت بزرگی افتاده روی ماشین", "تنه چنار شکسته و راه بسته شده"),
    ("شاخه درخت روی پیاده‌رو سقوط کرده", "درخت کنار مدرسه افتاده"),
    ("آب توی خیابون جمع شده تا زانو", "بارون اومده و آب‌گرفتگی شدید داریم"),
    ("لاشه سگ کنار بزرگراه است", "یک سگ مرده بو گرفته است"),
    ("سگ ولگرد زیاد شده", "سگا حمله می‌کنن، زنده‌گیری کنید"),
    ("برف کوچه را پارو نکرده‌اند", "برف‌روبی نشده و ماشین بالا نمیاد"),
    ("نخاله ساختمانی ریخته‌اند", "یک کپه خاک و آوار جلوی در ماست"),
    ("سطل زباله شکسته است", "در مخزن شکسته"),
    ("چراغ راهنمایی خاموش است", "چراغ تقاطع خراب شده"),
    ("جوی آب گرفته و بوی لجن می‌دهد", "لایروبی نهر انجام نشده"),
    ("chale bozorgi vasat khiaboone", "چاله بزرگی وسط خیابان است"),
    ("موش‌ها از جوی بیرون می‌آیند", "طعمه‌گذاری نکرده‌اند و موش زیاد است"),
    ("پله‌برقی پل عابر خراب است", "آسانسور پل هوایی کار نمی‌کند"),
    ("دست‌فروش‌ها پیاده‌رو را بسته‌اند", "بساط کرده‌اند و راه عبور نیست"),
]
OTHER = [
    ("سگ ولگرد حمله کرد", "لاشه گربه افتاده"),
    ("تابلو ایست افتاده", "تابلو پارک‌ممنوع کج شده"),
    ("مار توی پارک دیدیم", "کلاغ مرده افتاده"),
    ("شیشه خرد شده در کوچه ریخته", "برگ درختان جمع نشده"),
    ("تخت و مبل کهنه گذاشته‌اند", "کیسه زباله رها شده است"),
    ("تاب پارک شکسته", "آبخوری پارک نشت دارد"),
    ("مصالح ساختمانی ریخته‌اند", "دست‌فروش بساط کرده است"),
]
PLACES = ("خیابان ولیعصر نبش کوچه گلستان پلاک ۱۲، ", "بلوار شهید دکتر رحمانی روبروی بانک ملت، ", "میدان ونک، ")


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_matter_in_two_wordings_agrees(one: str, other: str) -> None:
    assert agreement(Matter.of(one), Matter.of(other)) is Agreement.AGREE


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_matters_never_agree_however_alike_their_places_are(one: str, other: str, place: str) -> None:
    assert agreement(Matter.of(place + one), Matter.of(place + other)) is not Agreement.AGREE


@pytest.mark.parametrize("place", PLACES)
def test_a_place_alone_is_no_matter(place: str) -> None:
    assert Matter.of(place).aspects == 0
    assert agreement(Matter.of(place), Matter.of(place)) is Agreement.UNSURE


@pytest.mark.parametrize(("one", "other"), SAME[:8])
def test_places_that_differ_do_not_part_one_matter(one: str, other: str) -> None:
    assert agreement(Matter.of(PLACES[0] + one), Matter.of(PLACES[1] + other)) is Agreement.AGREE


def test_cats_and_dogs_differ_and_a_text_without_a_matter_is_unsure() -> None:
    dog, cat, nothing = map(Matter.of, ("سگ ولگرد", "گربه ولگرد", "لطفا رسیدگی کنید"))
    assert agreement(dog, cat) is Agreement.DIFFER
    assert agreement(dog, nothing) is Agreement.UNSURE


def test_a_dead_dog_and_stray_dogs_are_left_to_a_person() -> None:
    assert agreement(Matter.of("لاشه سگ"), Matter.of("سگ ولگرد")) is Agreement.UNSURE


def test_the_same_words_agree_though_none_is_in_the_list() -> None:
    text = "راننده مسافران را پیاده کرد و کرایه اضافی گرفت و ناسزا گفت"
    assert agreement(Matter.of(text), Matter.of(text + " دیروز")) is Agreement.AGREE
    assert agreement(Matter.of(text), Matter.of("کرایه‌اش زیاد بود")) is Agreement.UNSURE


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_has_a_matter_that_is_kept_whole_and_compared_both_ways(one: str, other: str) -> None:
    a, b = Matter.of(one), Matter.of(other)
    assert Matter.unpacked(a.packed) == a
    assert agreement(a, b) is agreement(b, a)


def test_each_word_of_the_list_has_one_meaning() -> None:
    text = (files("routing") / "data" / "matters.csv").read_text(encoding="utf-8")
    rows = [(row["matter"], {fold(word) for word in row["words"].split()}) for row in csv.DictReader(text.splitlines())]
    counted = Counter(word for matter, words in {(m, frozenset(w)) for m, w in rows} for word in words)
    assert [word for word, count in counted.items() if count > 1 or " " in word] == []


def test_a_long_text_is_kept_in_256_bytes() -> None:
    chance = random.Random(1)
    words = ("".join(chance.choices("بپتثجچحخدذرز", k=6)) for _ in range(500))
    assert len(Matter.of(" ".join(words)).packed) == 256
