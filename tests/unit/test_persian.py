import pytest
from common.persian import Phone, latin_digits, mask_phone, normalise, parse_phone, persian_digits
from hypothesis import given
from hypothesis import strategies as st

_ODD = st.text(st.one_of(st.sampled_from(" \t\n\r\u200c\u200b\u200f\u0640ikيكیک۱٣\x00"), st.characters()))


@given(_ODD)
def test_normalising_is_total_and_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "\x00" not in once
    once.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("كتاب علي", "کتاب علی"),
        ("  سلام   دنیا \n\n\n خوب ", "سلام دنیا\nخوب"),
        ("پیاده\u200cرو", "پیاده\u200cرو"),
        ("\u200cپیاده\u200c\u200cرو\u200c ", "پیاده\u200cرو"),
        ("م\u0640\u0640ن\u202e", "من"),
        ("\x00\x07", ""),
    ],
)
def test_what_is_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize("text", ["09121234567", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "+98 912 123 4567", "0098-912-1234567", "9121234567"])
def test_a_mobile_number_is_read_in_any_form(text: str) -> None:
    assert parse_phone(text) == Phone("+989121234567", mobile=True)


def test_a_landline_gets_no_sms_and_words_are_no_number() -> None:
    assert parse_phone("02188776655") == Phone("+982188776655", mobile=False)
    assert parse_phone("زنگ نزنید") is None


def test_digits_and_masks() -> None:
    assert latin_digits("۳۱ ٣٣") == "31 33"
    assert persian_digits("31") == "۳۱"
    assert mask_phone("+989121234567") == "0912•••4567"
