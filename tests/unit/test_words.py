from typing import Any

import pytest
from common.codes import new_code
from common.events import Channel, Told
from common.persian import persian_digits
from notify.words import FIELDS, Matrix, checked, parts, render, units

from tests.builders import a_request


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("س" * 70, 1),
        ("س" * 71, 2),
        ("س" * 134, 2),
        ("س" * 135, 3),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_parts_are_counted_as_the_network_does(text: str, expected: int) -> None:
    assert parts(text) == expected
    assert units("😀") == 2


@pytest.mark.parametrize("told", list(Told))
@pytest.mark.parametrize("channel", list(Channel))
def test_everything_is_told_in_words_that_name_code_and_unit(told: Told, channel: Channel) -> None:
    code = new_code()
    requested = a_request(code=code, told=told, channel=channel, outcome="چاله ترمیم شد")
    telling = Matrix.load().telling(requested)
    assert telling is not None
    text = render(telling.template, requested)
    assert persian_digits(code) in text
    assert "منطقه ۵" in text
    assert ("۳۱" in text.replace(persian_digits(code), "")) == (told in (Told.DONE, Told.NO_ACTION))


def test_a_long_outcome_is_cut_at_a_word_to_four_parts() -> None:
    requested = a_request(told=Told.DONE, outcome="کار انجام شد و " * 80)
    telling: Any = Matrix.load().telling(requested)
    text = render(telling.template, requested)
    assert parts(text) <= 4
    assert "…" in text


@pytest.mark.parametrize("template", ["پیام {cod}", "پیام {}", "پیام {code.x}", "پیام {topic} {unit} {outcome} {at}"])
def test_words_that_no_event_can_fill_are_found_at_the_start(template: str) -> None:
    with pytest.raises(ValueError, match="asks for"):
        checked(template, FIELDS)


def test_words_need_not_ask_for_anything() -> None:
    assert checked("پیام {code} ثبت شد", FIELDS) == "پیام {code} ثبت شد"
