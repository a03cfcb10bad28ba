from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from common.errors import Problem
from hypothesis import given, settings
from hypothesis import strategies as st
from intake.channels.phone.cti import CtiEvent, cti_event, moments_of, queue_of
from intake.channels.phone.states import Moment

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
_names = st.sampled_from(["event", "callId", "from", "to", "direction", "queue", "cause", "answeringNumber", "user[]"])
_values = st.sampled_from(["newCall", "answer", "hangup", "in", "out", "cancel", "anonymous", "137", "9.1"]) | st.text()
_types = st.sampled_from([FORM, "application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/x"])


def told(body: str) -> CtiEvent:
    return cti_event(body.encode(), FORM)


def moments(body: str) -> list[Moment]:
    return [moment.event for moment in moments_of(told(body), NOW, queue="137")]


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


@pytest.mark.parametrize(
    ("fields", "known", "expected"),
    [
        ("queue=help%20desk&to=137", "night", "help_desk"),
        ("to=137", "night", "night"),
        ("to=+137", None, "emergencies"),
        ("to=%2B9821137", None, "default"),
        ("", None, "default"),
    ],
)
def test_the_queue_is_the_named_one_else_the_calls_own_else_the_numbers(
    fields: str, known: str | None, expected: str
) -> None:
    event = told(f"event=newCall&callId=1&from=anonymous&{fields}")
    assert queue_of(event, known=known, queues={"137": "emergencies"}) == expected
    assert moments_of(event, NOW, queue=expected)[0].caller is None


def test_an_agents_own_mobile_number_is_not_kept() -> None:
    [answered] = moments_of(told("event=answer&callId=1&answeringNumber=09121234567"), NOW, queue="137")
    assert answered.agent == "mobile-4567"


def test_a_number_may_be_written_at_length() -> None:
    fields = {"event": "newCall", "callId": "1", "from": "0912" + "-" * 40 + "1234567"}
    [joined] = moments_of(told(urlencode(fields)), NOW, queue="137")
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
        event = cti_event(body, content_type)
        taken = moments_of(event, NOW, queue=queue_of(event, known=None, queues={}))
    except Problem as problem:
        return problem.status
    return 200 if all(moment.call_id and moment.queue for moment in taken) else 500
