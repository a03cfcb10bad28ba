import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.call_links import LONGEST, call_id_in, link, start_parameter


@pytest.mark.parametrize(
    ("call_id", "parameter"),
    [
        ("c1", "call-c1"),
        ("1764054000.137", "call-1764054000_2e137"),
        ("a_b:c", "call-a_5fb_3ac"),
        ("call-5", "call-_63all-5"),
    ],
)
def test_a_call_is_written_as_a_bot_can_start_with_it(call_id: str, parameter: str) -> None:
    assert start_parameter(call_id) == parameter
    assert call_id_in(parameter) == call_id


@given(st.from_regex(r"[\w.:@+\-]{1,64}", fullmatch=True))
def test_every_call_comes_back_from_its_link(call_id: str) -> None:
    written = start_parameter(call_id)
    if written is not None:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", written)
        assert call_id_in(written) == call_id_in(written.removeprefix("call-")) == call_id


def test_what_does_not_fit_has_no_link() -> None:
    assert start_parameter("x" * (LONGEST - 4)) is None
    assert link("https://t.me/bot?start={call}", "." * 40) is None
    assert link("https://t.me/bot?start={call}", "c1") == "https://t.me/bot?start=call-c1"


def test_an_id_that_came_as_it_is_stays_so() -> None:
    assert call_id_in("1764054000.137") == "1764054000.137"


@pytest.mark.parametrize("parameter", ["call-_00", "a_00b", "call-_20", "call-"])
def test_what_is_no_id_of_a_call_stays_as_it_came(parameter: str) -> None:
    assert call_id_in(parameter) == parameter
