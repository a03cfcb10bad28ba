from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.channels.sms.parts import WAIT, Part, fills_a_part, whole
from intake.channels.sms.schemas import ReceivedSms, Unreadable, read_entry, read_form, unquote
from intake.channels.sms.sms import heard_of

from tests.payloads import sms_form

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
FULL = "آب گرفتگی " * 6 + "معبرها."  # 67 letters
SHORT = "در منطقه ۵"


def part(number: int, text: str, *, after: float = 0, sender: str = "a") -> Part:
    return Part(str(number), sender, text, NOW + timedelta(seconds=after))


def texts(parts: list[Part], *, after: float) -> list[str]:
    return sorted("".join(one.text for one in run) for run in whole(parts, NOW + timedelta(seconds=after)))


def test_an_sms_is_heard_at_the_number_that_sent_it() -> None:
    one = heard_of(read_form(sms_form(**{"messageid": "30034577", "from": "09121234567", "message": "۳۳"})))
    assert (one.platform, one.account, one.update, one.text) == ("sms", "+989121234567", "30034577", "۳۳")
    for written in ("989121234567", "+989121234567", "9121234567", "00989121234567"):
        assert read_form(sms_form(**{"from": written})).sender == "+989121234567"


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"messageid=1",
        b"\xff\xfe",
        sms_form(**{"from": "IRANCELL"}),
        sms_form(messageid=""),
        sms_form(message="x" * 5000),
        b"&".join([b"a=b"] * 100),
    ],
)
def test_what_is_no_sms_of_a_citizen_says_so(form: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_form(form)


@given(st.binary(max_size=60) | st.text().map(lambda text: quote_plus(text, errors="surrogatepass").encode()))
def test_a_form_is_decoded_as_the_standard_library_does(value: bytes) -> None:
    assert unquote(value) == unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8", "replace")


def test_an_entry_of_the_list_says_the_same() -> None:
    entry = {"messageid": 35, "message": "۳۱", "sender": "09121234567", "receptor": "10004346", "date": 1643122902}
    sms = read_entry(entry)
    assert isinstance(sms, ReceivedSms)
    assert (sms.id, sms.sender, sms.text, sms.line) == ("35", "+989121234567", "۳۱", "10004346")
    assert sms.at == datetime(2022, 1, 25, 15, 1, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("x", "/messageid: missing"),
        ({"messageid": 35}, "/from: string_type"),
        ({"messageid": 35, "sender": "PARDAKHT", "message": "", "date": "soon"}, "/from: value_error"),
    ],
)
def test_an_entry_that_is_no_sms_says_why_and_not_what(entry: Any, reason: str) -> None:
    assert read_entry(entry) == Unreadable(orjson.dumps(entry), reason, None)


def test_only_a_text_that_ends_where_a_part_ends_may_have_a_next() -> None:
    assert fills_a_part(FULL)
    assert fills_a_part("x" * 153)
    assert not fills_a_part("x" * 67)
    assert not fills_a_part(SHORT)


def test_the_parts_of_one_number_are_one_message_in_their_order() -> None:
    parts = [part(2, FULL, after=1), part(1, FULL), part(10, SHORT, after=2), part(3, SHORT, sender="b")]
    assert texts(parts, after=2) == sorted([FULL + FULL + SHORT, SHORT])


def test_a_message_waits_for_its_next_part_and_not_for_ever() -> None:
    assert texts([part(1, FULL)], after=WAIT.total_seconds()) == []
    assert texts([part(1, FULL)], after=WAIT.total_seconds() + 1) == [FULL]


def test_what_comes_later_is_another_message() -> None:
    assert texts([part(1, FULL), part(2, SHORT, after=11)], after=30) == sorted([FULL, SHORT])


@given(
    st.lists(st.tuples(st.sampled_from([FULL, SHORT]), st.sampled_from("ab"), st.floats(0, 60)), max_size=30),
)
def test_every_part_is_in_one_message_in_the_end(sent: list[tuple[str, str, float]]) -> None:
    parts = [part(n, text, after=after, sender=sender) for n, (text, sender, after) in enumerate(sent)]
    runs = whole(parts, NOW + timedelta(minutes=5))
    assert sorted(int(one.id) for run in runs for one in run) == list(range(len(parts)))
    assert all(len({one.sender for one in run}) == 1 for run in runs)
