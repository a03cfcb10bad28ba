import contextlib
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.channels.rubika.rubika import read
from intake.conversation.heard import FileKind, FileRef, Heard, Point
from pydantic import ValidationError

from tests.payloads import body, rubika_message, rubika_press


def heard(document: Any) -> Heard:
    [one] = read(body(document))
    return one


def test_a_text_counts_once_by_chat_and_message() -> None:
    one = heard(rubika_message(message_id=204215121115944300, text="کوچه", time="1643122902"))
    assert (one.platform, one.account, one.update) == ("rubika", "b0QFtn0C1I022", "204215121115944300")
    assert one.text == "کوچه"
    assert one.at is not None
    assert one.at.isoformat() == "2022-01-25T15:01:42+00:00"


def test_a_place_is_sent_as_texts() -> None:
    assert heard(rubika_message(location={"latitude": "35.7", "longitude": "51.4"})).point == Point(35.7, 51.4)
    assert heard(rubika_message(location={"latitude": "951", "longitude": "nan"})).point is None
    live = {"live_period": 60, "current_location": {"latitude": "35.7", "longitude": "51.4"}}
    assert heard(rubika_message(live_location=live)).point == Point(35.7, 51.4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("جوی.JPG", FileKind.PHOTO),
        ("a.mp4", FileKind.VIDEO),
        ("v.ogg", FileKind.VOICE),
        ("x.pdf", FileKind.DOCUMENT),
        (None, FileKind.DOCUMENT),
    ],
)
def test_what_a_file_is_stands_in_its_name(name: str | None, kind: FileKind) -> None:
    one = heard(rubika_message(text=None, file={"file_id": "f1", "file_name": name, "size": "1024"}))
    assert one.files == (FileRef(kind, "f1", name, size=1024),)


def test_a_number_is_the_senders_own_only_when_our_button_asked_for_it() -> None:
    card = {"phone_number": "989121234567", "first_name": "x", "last_name": ""}
    asked = heard(rubika_message(text=None, contact_message=card, aux_data={"start_id": None, "button_id": "phone"}))
    assert (asked.phone, asked.text) == ("+989121234567", None)
    forwarded = heard(rubika_message(text=None, contact_message=card))
    assert (forwarded.phone, forwarded.text) == (None, "989121234567")


def test_what_an_asking_button_says_is_not_the_citizens() -> None:
    pressed = {"start_id": None, "button_id": "location"}
    place = {"latitude": "35.7", "longitude": "51.4"}
    one = heard(rubika_message(text="ارسال موقعیت من", aux_data=pressed, location=place))
    assert (one.text, one.point) == (None, Point(35.7, 51.4))
    assert heard(rubika_message(text="ارسال موقعیت من", aux_data=pressed)).text is None
    assert heard(rubika_message(text="چاله", aux_data=pressed | {"button_id": "x"})).text == "چاله"


def test_a_link_to_the_bot_carries_its_parameter() -> None:
    one = heard(rubika_message(text="/start", aux_data={"start_id": "call-17", "button_id": None}))
    assert one.text == "/start call-17"


def test_each_button_of_a_message_counts_once() -> None:
    yes, no = heard(rubika_press("yes")), heard(rubika_press("no"))
    assert (yes.button, yes.text) == ("yes", None)
    assert yes.update != no.update
    assert heard(rubika_press("yes")).update == yes.update


def test_a_change_carries_the_message_that_it_changes() -> None:
    said = rubika_message(message_id="7")["update"]["new_message"]
    changed = {"type": "UpdatedMessage", "chat_id": "b0QFtn0C1I022", "updated_message": said | {"text": "دیگر"}}
    one = heard({"update": changed})
    assert (one.edited, one.message, one.text) == (True, "7", "دیگر")
    assert one.update == heard({"update": changed}).update != "7"


@pytest.mark.parametrize(
    "update",
    [
        {"type": "StartedBot", "chat_id": "b01"},
        {"type": "StoppedBot", "chat_id": "b01"},
        {"type": "RemovedMessage", "chat_id": "b01", "removed_message_id": "7"},
        {"type": "SomethingNew", "chat_id": "b01"},
        rubika_message(sender_type="Bot")["update"],
        rubika_message()["update"] | {"chat_id": "g0DeF"},
    ],
)
def test_what_asks_no_answer_is_passed_over(update: dict[str, Any]) -> None:
    assert read(body({"update": update})) == ()


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"update": {"type": "NewMessage", "chat_id": "b01"}},
        {"update": {"type": "NewMessage", "chat_id": "", "new_message": {"message_id": "1"}}},
        {"update": {"type": "NewMessage", "chat_id": "b01", "new_message": {"text": "x"}}},
        {"update": {"type": "NewMessage", "chat_id": "b\x0001", "new_message": {"message_id": "1"}}},
    ],
)
def test_what_cannot_be_read_says_so(document: Any) -> None:
    with pytest.raises(ValidationError):
        read(body(document))


def test_updates_of_rubpys_classes_are_read() -> None:
    printed = subprocess.run([sys.executable, "-m", "tests.rubpy_updates"], check=True, capture_output=True).stdout
    said, changed, removed, pressed = (read(body(document)) for document in json.loads(printed))
    assert (said[0].text, said[0].button, said[0].phone) == ("جوی آب گرفته", "phone", "+989121234567")
    assert (said[0].point, said[0].files[0].kind) == (Point(35.7, 51.4), FileKind.PHOTO)
    assert (changed[0].edited, changed[0].message) == (True, said[0].message)
    assert removed == ()
    assert pressed[0].button == "yes"


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(bytes_given: bytes) -> None:
    with contextlib.suppress(ValidationError):
        assert read(bytes_given) == ()
