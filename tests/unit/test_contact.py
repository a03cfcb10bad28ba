from datetime import timedelta
from pathlib import Path

import pytest
from common.auth import Caller
from common.events import Channel, MessageReceived
from common.sealed import Sealer, new_keys
from intake.contact import NO_SMS, OTHER_TIME, OUTSIDE, Origin, Reader, occurrence
from intake.schemas import MessageIn
from intake.settings import Settings
from pydantic import ValidationError

from tests.builders import NOW

ORIGIN = Origin(Channel.APP, Caller("app-1", frozenset({"app"})))


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "keys.json").write_text(new_keys())
    return Reader(Settings.model_construct(), Sealer.from_file(tmp_path / "keys.json"))


def test_a_message_keeps_its_words_and_seals_its_number(reader: Reader) -> None:
    taken = MessageIn.model_validate({"text": " سلام ", "phone": "۰۹۱۲۱۲۳۴۵۶۷", "name": "شهروند"})
    contact = reader.message(taken, ORIGIN, NOW)
    event = contact.event
    assert isinstance(event, MessageReceived)
    assert event.text == "سلام"
    assert event.reply_to.sms
    assert "9121234567" not in event.model_dump_json()
    assert reader.sealer.open(event.reply_to.phone or "") == "+989121234567"
    assert contact.warnings == []


def test_warnings_say_what_to_mind(reader: Reader) -> None:
    taken = MessageIn.model_validate(
        {"text": "x", "phone": "02188776655", "place": {"lat": 30, "lon": 51}, "occurred_at": "2001-01-01T00:00:00Z"}
    )
    assert reader.message(taken, ORIGIN, NOW).warnings == [OTHER_TIME, OUTSIDE, NO_SMS]


@pytest.mark.parametrize(
    ("shift", "trusted"),
    [
        (timedelta(days=-7), True),
        (timedelta(days=-7, seconds=-1), False),
        (timedelta(minutes=5), True),
        (timedelta(minutes=6), False),
    ],
)
def test_the_time_of_the_source_stands_within_bounds(shift: timedelta, *, trusted: bool) -> None:
    at, warnings = occurrence(NOW + shift, NOW)
    assert at == (NOW + shift if trusted else NOW)
    assert bool(warnings) != trusted


@pytest.mark.parametrize(
    "body",
    [
        {"text": ""},
        {"text": "\u200b "},
        {"text": "x" * 3001},
        {"text": "x", "phone": "abc"},
        {"text": "x", "place": {}},
        {"text": "x", "place": {"lat": 35.7}},
        {"text": "x", "place": {"region": 23}},
        {"text": "x", "topic": "lower"},
        {"text": "x", "unknown": 1},
        {"text": "x", "occurred_at": "2026-11-24T10:00:00"},
    ],
)
def test_what_does_not_fit_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MessageIn.model_validate(body)
