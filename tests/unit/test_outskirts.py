"""Which neighbouring municipality a text names as its place."""

import pytest
from common.events import Place
from common.folding import fold
from routing.locate import Map
from routing.outskirts import Outskirts
from routing.regions import read_neighbours

_CITY = Map.load()
_OUTSKIRTS = Outskirts.of(read_neighbours())


def _named(text: str) -> str | None:
    return _OUTSKIRTS.named(fold(text).split())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("اسلامشهر میدان نماز آسفالت خراب است", "اسلامشهر"),
        ("سلام، کرج گلشهر آسفالت نداره", "کرج"),
        ("تو پردیس فاز ۸ زباله‌ها جمع نمیشه", "پردیس"),
        ("شهر قدس خیابان انقلاب چاله داره", "شهر قدس"),
        ("شهریار، خیابان ولیعصر، زباله‌ها مونده", "شهریار"),
        ("ورامین هستم، جوی آب گرفته", "ورامین"),
        ("رباط‌کریم کوچه شهید رجایی موش زیاد شده", "رباط کریم"),
        ("در شهر دماوند جوی گرفته", "دماوند"),
    ],
)
def test_a_neighbour_that_is_the_place_is_found(text: str, name: str) -> None:
    assert _named(text) == name
    spot = _CITY.locate(None, text)
    assert (spot.region, spot.outside, spot.beyond) == (None, name, True)


@pytest.mark.parametrize(
    "text",
    [
        "اتوبان تهران کرج کیلومتر ۵ چاله بزرگ",
        "اتوبان کرج چاله دارد",
        "خیابان دماوند نرسیده به امام حسین",
        "جاده ورامین بعد از پل نخاله ریختن",
        "بزرگراه همت به سمت کرج چاله دارد",
        "به سمت شهر کرج ترافیک است",
        "کرج به تهران اتوبوس نیست",
        "دماوند نرسیده به امام حسین",
        "پردیس سینمایی کثیف است",
        "در اندیشه مردم باشید",
        "اسلامشهر نیست، همین نزدیکی است",
        "خط ورامین تاکسی ندارد",
        "در کرج زندگی می‌کنم، اتوبوس خط ۱۰ دیر می‌آید",
        "سر کارم در کرج است، کارت بلیتم شارژ نشد",
        "",
    ],
)
def test_a_neighbour_that_is_a_direction_or_a_namesake_is_none(text: str) -> None:
    assert _named(text) is None


def test_a_point_and_a_region_win_over_a_neighbour_in_the_words() -> None:
    text = "اسلامشهر چاله دارد"
    assert _CITY.locate(Place(region=5), text).region == 5
    assert _CITY.locate(Place(lat=35.7550, lon=51.3051), text).region == 5
    assert _CITY.locate(None, f"{text} منطقه ۵").region == 5


def test_a_place_of_the_city_beside_a_neighbour_casts_doubt() -> None:
    assert _CITY.locate(None, "کرج چاله دارد").doubt is None
    assert "نارمک" in (_CITY.locate(None, "کرج گلشهر و نارمک چاله دارد").doubt or "")
    assert "address" in (_CITY.locate(Place(address="کوچه یاس"), "کرج چاله دارد").doubt or "")
