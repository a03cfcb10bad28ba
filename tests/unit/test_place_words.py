import pytest
from common.folding import fold
from hypothesis import given
from hypothesis import strategies as st
from routing.gazetteer import REGIONS, read_gazetteer
from routing.numerals import number_at
from routing.place_words import PlaceReader
from routing.regions import data_rows

_READER = PlaceReader.load()


def _region(text: str) -> int | None:
    return _READER.read(fold(text)).region


@pytest.mark.parametrize(
    "text",
    [
        "منطقه ۵",
        "منطقه5",
        "منطقهٔ ٥",
        "منطقه‌ی پنج",
        "منطقه پنجم",
        "م ۵ پلاک ۳",
        "منطقه شهرداری ۵",
        "mantaghe 5",
        "منطقه ۰۵",
    ],
)
def test_a_regions_number_is_read_in_any_form(text: str) -> None:
    reading = _READER.read(fold(text))
    assert (reading.region, reading.exact) == (5, True)


@pytest.mark.parametrize(
    ("words", "number"),
    [("بیست و دو", 22), ("بیست و یکم", 21), ("بیستم", 20), ("نوزده", 19), ("اول", 1), ("دوازدهم", 12), ("شونزده", 16)],
)
def test_numbers_in_words_are_read_to_the_last(words: str, number: int) -> None:
    assert _region(f"منطقه {words} کوچه ما") == number
    assert number_at(fold(words).split(), 0)[0] == number


@pytest.mark.parametrize(
    "text",
    [
        "منطقه ۲۳",
        "منطقه ما",
        "منطقه ۲ ماهه آب ندارد",
        "در منطقه یک سگ دیدم",
        "۲۰ م ۲ متر",
        "منطقه ۵ و منطقه ۶",
        "برق منطقه‌ای",
        "بیست و سه منطقه",
    ],
)
def test_what_is_no_region_number_gives_none(text: str) -> None:
    assert _region(text) is None


@pytest.mark.parametrize("spelling", ["یوسف آباد", "یوسف‌آباد", "یوسفآباد", "يوسف اباد", "یوسف  آبادی", "یوســف‌آباده"])
def test_a_name_is_found_spelled_any_way(spelling: str) -> None:
    assert _region(f"سلام {spelling} کوچه ۱۲") == 6


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("میدون هروی چراغ خرابه", 4),
        ("فلکه دوم تهرانپارس", 4),
        ("خ بهار نبش سمیه", 7),
        ("خیابان شهید دکتر بهشتی نرسیده به سهروردی", 7),
        ("نارمک خ سبلان", 8),
        ("بوستان بعثت", 16),
        ("من ساکن خزانه‌ام", 16),
        ("ولنجک نیست، جردنه", 3),
        ("یافت آباد خیابان مینا", 18),
        ("کمیل کوچه نرگس", 10),
        ("tajrish zire pol", 1),
        ("چهارصد دستگاه نازی آباد", 16),
        ("منطقه ۵ خیابان ولیعصر", 5),
        ("میدان ونک به سمت جردن", 3),
        ("چهارراه پارک وی، نرسیده به تجریش", 1),
        ("حکیمیه تهرانپارس بلوار بهار", 4),
        ("خیابان پیروزی خیابان نبرد", 14),
        ("شهرری میدان نماز", 20),
    ],
)
def test_names_give_the_region(text: str, region: int) -> None:
    assert _region(text) == region


@pytest.mark.parametrize(
    "text",
    [
        "بهار امسال گل بکارید",
        "هوای خوش و آسمان آبی",
        "پیروزی تیم مبارک",
        "آزادی عمل ندارند",
        "لطفا پاک کن این دیوار را",
        "دری که باز مانده",
        "کوچه بهار",
        "کوچه نارمک",
        "آقای شریعتی",
        "مدرسه امام حسین",
        "فاطمیه مراسم دارند",
        "خیابان ولیعصر ترافیک است",
        "تجریش و نازی آباد هر دو",
        "مسیر ونک به رسالت",
        "اتوبوس خط راه آهن تجریش",
        "تاکسی میدان آزادی تا صادقیه",
        "میدان آزادی",
        "فاضلاب شهری",
        "پارک نیست که",
        "سعدی و حافظ شاعرند",
        "کارگر شهرداری خیابان را جارو نزد",
        "دولت باید رسیدگی کند",
        "ایران کشور ماست",
        "در بند درخت ها هستید",
    ],
)
def test_ordinary_words_lines_and_streets_that_cross_regions_decide_nothing(text: str) -> None:
    assert _region(text) is None


def test_the_reason_names_what_was_read() -> None:
    assert _READER.read(fold("نارمک هفت حوض")).because == "the text names نارمک, هفت حوض: region 8"
    assert "crosses regions" in _READER.read(fold("بزرگراه همت")).because
    assert "in different regions" in _READER.read(fold("تجریش، نازی آباد")).because
    assert "ends of a line" in _READER.read(fold("مسیر ونک به رسالت")).because
    assert _READER.read(fold("منطقه ۵ نارمک")).doubt == "the text says region 5, yet names نارمک"


def test_a_nahiye_is_read_beside_the_region() -> None:
    reading = _READER.read(fold("منطقه ۹ ناحیهٔ دوم، سطل بگذارید"))
    assert (reading.region, reading.nahiye) == (9, 2)
    assert _READER.read(fold("ناحیه ۲ و ناحیه ۳")).nahiye is None


def test_the_words_of_places_are_told_apart_from_the_rest() -> None:
    reading = _READER.read(fold("منطقه ۶ خیابان فاطمی آب گرفته، سازمان آب نیامد"))
    assert reading.place_words == {"منطقه", "6", "فاطمی"}
    assert reading.rest == fold("خیابان آب گرفته سازمان آب نیامد")
    assert _READER.read(fold("محله سازمان آب آب ندارد")).rest == "محله اب ندارد"


@given(st.text())
def test_any_text_is_read_and_only_words_of_it_are_places(text: str) -> None:
    reading = _READER.read(fold(text))
    assert reading.words == fold(text).split()
    assert reading.placed <= set(range(len(reading.words)))
    assert reading.region is None or reading.region in REGIONS
    assert reading.region is None or reading.region in reading.possible


@given(st.lists(st.sampled_from([row["name"] for row in data_rows("gazetteer.csv")] + ["منطقه", "۵", "به", "خط"])))
def test_names_in_any_order_never_give_a_region_none_of_them_has(names: list[str]) -> None:
    reading = _READER.read(fold(" ".join(names)))
    known = {name for tails in _READER.heads.values() for _, entries in tails for name in entries}
    lies = set().union(*(name.regions for name in known if name.name in reading.names))
    assert reading.region is None or reading.exact or reading.region in lies


def test_every_row_of_the_gazetteer_is_found_by_its_name() -> None:
    for row in data_rows("gazetteer.csv"):
        before = row["needs"].split("|")[0]
        assert row["name"] in _READER.read(fold(f"سلام در {before} {row['name']}")).names, row


def test_the_gazetteer_has_no_row_twice_and_all_regions() -> None:
    rows = [(row["name"], row["needs"]) for row in data_rows("gazetteer.csv")]
    assert len(rows) == len(set(rows)) >= 600
    decided = {name.region for tails in read_gazetteer().values() for _, names in tails for name in names}
    assert decided == {None, *REGIONS}
