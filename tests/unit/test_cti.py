from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from common.errors import Problem
from hypothesis import given, settings
from hypothesis import strategies as st
from intake.channels.phone.cti import cti_event, moments_of
from intake.channels.phone.states import Moment

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
_names = st.sampled_from(["event", "callId", "from", "to", "direction", "queue", "cause", "answeringNumber", "user[]"])
_values = st.sampled_from(["newCall", "answer", "hangup", "in", "out", "cancel", "anonymous", "137", "9.1"]) | st.text()
_types = st.sampled_from([FORM, "application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/x"])


def moments(body: str) -> list[Moment]:
    return [moment.event for moment in moments_of(cti_event(body.encode(), FORM), NOW)]


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("normalClearing", [Moment.ENDED]),
        ("cancel", [Moment.ABANDONED, Moment.ENDED]),
        ("noAnswer", [Moment.ABANDONED, Moment.ENDED]),
        ("forwarded", [Moment.ENDED]),
    ],
)
def test_how_a_call_ended_says_whether_it_was_given_up(cause: str, expected: list[Moment]) -> None:
    assert moments(f"event=hangup&callId=1&cause={cause}") == expected


def test_the_queue_is_named_or_else_the_number_that_was_called() -> None:
    about = "event=newCall&callId=1&from=anonymous&to=%2B9821137"
    named, called = (moments_of(cti_event(body.encode(), FORM), NOW) for body in (f"{about}&queue=help%20desk", about))
    assert (named[0].queue, called[0].queue, called[0].caller) == ("help_desk", "+9821137", None)


def test_an_agents_own_mobile_number_is_not_kept() -> None:
    [answered] = moments_of(cti_event(b"event=answer&callId=1&answeringNumber=09121234567", FORM), NOW)
    assert answered.agent == "mobile-4567"


def test_a_number_may_be_written_at_length() -> None:
    fields = {"event": "newCall", "callId": "1", "from": "0912" + "-" * 40 + "1234567"}
    [joined] = moments_of(cti_event(urlencode(fields).encode(), FORM), NOW)
    assert joined.caller == "+989121234567"


@given(body=st.binary(), content_type=_types | st.text())
@settings(max_examples=300)
def test_no_bytes_are_our_error(body: bytes, content_type: str) -> None:
    assert _status(body, content_type) in (200, 422)


@given(fields=st.dictionaries(_names, _values))
@settings(max_examples=300)
def test_no_fields_are_our_error(fields: dict[str, str]) -> None:
    assert _status(urlencode(fields, errors="replace").encode(), FORM) in (200, 422)


def _status(body: bytes, content_type: str) -> int:
    try:
        taken = moments_of(cti_event(body, content_type), NOW)
    except Problem as problem:
        return problem.status
    return 200 if all(moment.call_id and moment.queue for moment in taken) else 500
