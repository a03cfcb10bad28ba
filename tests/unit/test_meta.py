import hashlib
import hmac
from typing import Any, cast

import pytest
from common.errors import Problem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake.channels.meta.meta import read
from intake.channels.meta.signature import challenge, verify
from intake.channels.wire import Reading
from intake.conversation.heard import FileKind, FileRef, Heard, Point
from pywa.client import WhatsApp
from pywa.types.message import Message
from pywa.utils import webhook_updates_validator

from tests import payloads
from tests.payloads import instagram_batch, instagram_event, whatsapp_batch, whatsapp_message, whatsapp_status


def reading(document: Any) -> Reading:
    return read(payloads.body(document))


def whatsapp(**given: Any) -> Heard:
    [one] = reading(whatsapp_batch(whatsapp_message(**given))).heard
    return one


def instagram(**given: Any) -> Heard:
    [one] = reading(instagram_batch(instagram_event(**given))).heard
    return one


def test_a_text_counts_once_by_its_id() -> None:
    one = whatsapp(id="wamid.x", timestamp="1643122902")
    assert (one.platform, one.account, one.update, one.message) == ("whatsapp", "989121234567", "wamid.x", "wamid.x")
    assert (one.text, one.phone) == ("جوی آب گرفته", None)
    assert one.at is not None
    assert one.at.isoformat() == "2022-01-25T15:01:42+00:00"


def test_which_account_of_ours_was_written_to_is_known_where_it_can_be_read() -> None:
    assert whatsapp().ours == "106540352242922"
    batch = whatsapp_batch(whatsapp_message())
    batch["entry"][0]["changes"][0]["value"]["metadata"] = "new"
    assert [one.ours for one in reading(batch).heard] == [None]
    assert instagram().ours == instagram_batch(instagram_event())["entry"][0]["id"]


def test_who_hides_their_number_is_known_by_their_user_id() -> None:
    message = whatsapp_message(from_user_id="IR.13491208655302741918")
    del message["from"]
    [one] = reading(whatsapp_batch(message)).heard
    assert (one.account, one.phone) == ("IR.13491208655302741918", None)


@pytest.mark.parametrize(
    ("kind", "media", "expected"),
    [
        ("image", {"id": "1", "mime_type": "image/jpeg", "caption": "نگاه کنید"}, FileKind.PHOTO),
        ("audio", {"id": "1", "mime_type": "audio/ogg; codecs=opus", "voice": True}, FileKind.VOICE),
        ("video", {"id": "1", "mime_type": "video/mp4"}, FileKind.VIDEO),
        ("document", {"id": "1", "mime_type": "application/pdf", "filename": "C:\\a\\نامه.pdf"}, FileKind.DOCUMENT),
    ],
)
def test_files_are_references(kind: str, media: dict[str, Any], expected: FileKind) -> None:
    one = whatsapp(kind=kind, **{kind: media})
    assert one.files == (FileRef(expected, "1", "نامه.pdf" if "filename" in media else None, media["mime_type"]),)
    assert one.text == media.get("caption")


def test_a_place_and_buttons_and_cards() -> None:
    assert whatsapp(kind="location", location={"latitude": 35.7, "longitude": 51.4}).point == Point(35.7, 51.4)
    pressed = {"type": "button_reply", "button_reply": {"id": "yes", "title": "بله"}}
    assert whatsapp(kind="interactive", interactive=pressed).button == "yes"
    chosen = {"type": "list_reply", "list_reply": {"id": "region-5", "title": "منطقه ۵", "description": ""}}
    assert whatsapp(kind="interactive", interactive=chosen).button == "region-5"
    assert whatsapp(kind="button", button={"payload": "31", "text": "بله"}).button == "31"
    card = [{"name": {"formatted_name": "x"}, "phones": [{"phone": "+98 935 123 4567", "wa_id": "989351234567"}]}]
    somebody = whatsapp(kind="contacts", contacts=card)
    assert (somebody.text, somebody.phone) == ("+98 935 123 4567", None)
    own = whatsapp(kind="contacts", contacts=card, **{"from": "989351234567"})
    assert (own.text, own.phone) == (None, "+989351234567")


def test_a_change_carries_the_message_that_it_changes() -> None:
    edit = {"original_message_id": "wamid.first", "message": {"type": "text", "text": {"body": "دیگر"}}}
    one = whatsapp(kind="edit", id="wamid.second", edit=edit)
    assert (one.edited, one.message, one.update, one.text) == (True, "wamid.first", "wamid.second", "دیگر")


def test_pywa_reads_the_same_messages() -> None:
    location = {"latitude": 35.7, "longitude": 51.4}
    image = {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "url": "https://cdn.example/1", "caption": "نگاه"}
    for message in (whatsapp_message(), whatsapp_message("location", location=location)):
        batch = whatsapp_batch(message)
        theirs, [ours] = Message.from_update(_pywa(), cast(Any, batch)), reading(batch).heard
        assert (theirs.id, theirs.from_user.wa_id, theirs.timestamp) == (ours.update, ours.account, ours.at)
        assert theirs.text == ours.text
        assert (theirs.location is None) == (ours.point is None)
    batch = whatsapp_batch(whatsapp_message("image", image=image))
    theirs, [ours] = Message.from_update(_pywa(), cast(Any, batch)), reading(batch).heard
    assert theirs.image is not None
    assert (theirs.image.id, theirs.caption) == (ours.files[0].reference, ours.text)


def _pywa() -> WhatsApp:
    return WhatsApp(phone_id="106540352242922", token="x")


def test_a_batch_has_several_entries_changes_and_messages_beside_statuses() -> None:
    first = whatsapp_batch(whatsapp_message(), whatsapp_message(), statuses=[whatsapp_status("read")])
    second = whatsapp_batch(whatsapp_message())
    second["entry"][0]["changes"] *= 2
    both = payloads.meta_batch("whatsapp_business_account", *first["entry"], *second["entry"])
    assert len(reading(both).heard) == 4
    failed = whatsapp_status("failed", errors=[{"code": 131047, "title": "Re-engagement message"}])
    assert reading(whatsapp_batch(statuses=[failed, whatsapp_status()])) == Reading()


def test_one_part_that_cannot_be_read_does_not_lose_the_others() -> None:
    batch = whatsapp_batch({"id": "", "from": "989121234567"}, whatsapp_message(), 17, statuses=[{"status": 9}])
    batch["entry"] += [None, {"changes": [{"field": "messages", "value": []}]}]
    got = reading(batch)
    assert len(got.heard) == 1
    assert got.refused == (
        "/messages/id: string_too_short",
        "/messages: model_type",
        "/entry: model_type",
        "/changes/value: dict_type",
    )


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "reaction", "reaction": {"emoji": "x", "message_id": "wamid.y"}},
        {"kind": "system", "system": {"type": "user_changed_number"}},
        {"group_id": "120363"},
    ],
)
def test_what_is_not_said_to_us_is_passed_over(message: dict[str, Any]) -> None:
    assert reading(whatsapp_batch(whatsapp_message(**message))) == Reading()
    template = {"field": "message_template_status_update", "value": {"event": "APPROVED"}}
    assert reading(payloads.meta_batch("whatsapp_business_account", {"id": "1", "changes": [template]})) == Reading()


def test_a_direct_message() -> None:
    one = instagram(message={"mid": "m_1", "text": "سلام"}, timestamp=1643122902000)
    assert (one.platform, one.account, one.update, one.text) == ("instagram", "17841400000000001", "m_1", "سلام")
    assert one.at is not None
    assert one.at.isoformat() == "2022-01-25T15:01:42+00:00"
    photo = {"type": "image", "payload": {"url": "https://cdn.example/1"}}
    shared = {"type": "ig_reel", "payload": {"url": "https://cdn.example/2"}}
    unsafe = {"type": "image", "payload": {"url": "file:///etc/passwd"}}
    with_files = instagram(message={"mid": "m_2", "attachments": [photo, shared, unsafe]})
    assert with_files.files == (FileRef(FileKind.PHOTO, "https://cdn.example/1"),)


def test_buttons_edits_and_links_of_instagram() -> None:
    assert instagram(message={"mid": "m", "text": "بله", "quick_reply": {"payload": "yes"}}).button == "yes"
    assert instagram(postback={"mid": "m", "title": "شروع", "payload": "START"}).button == "START"
    assert instagram(referral={"ref": "call-17", "source": "IGME-SOURCE-LINK"}).text == "/start call-17"
    edited = instagram(message_edit={"mid": "m", "text": "دیگر", "num_edit": 2})
    assert (edited.edited, edited.message, edited.update, edited.text) == (True, "m", "m:2", "دیگر")


def test_the_form_of_business_login_says_the_same() -> None:
    event = instagram_event(message={"mid": "m", "text": "سلام"})
    change = {"field": "messages", "value": event}
    both = payloads.meta_batch("instagram", {"id": "90010", "changes": [change], "messaging": [event]})
    first, second = reading(both).heard
    assert first == second


@pytest.mark.parametrize(
    "event",
    [
        {"message": {"mid": "m", "text": "x", "is_echo": True}},
        {"message": {"mid": "m", "is_deleted": True}},
        {"read": {"mid": "m"}},
        {"reaction": {"mid": "m", "action": "react"}},
        {"message": {"mid": "m", "text": "x"}, "sender": {"id": "90010"}},
    ],
)
def test_echoes_and_reads_say_nothing(event: dict[str, Any]) -> None:
    assert reading(instagram_batch(instagram_event(**event))) == Reading()


@pytest.mark.parametrize("document", [[], {}, {"object": "page", "entry": []}, {"object": "instagram", "entry": 1}])
def test_a_batch_that_cannot_be_read_says_so(document: Any) -> None:
    assert reading(document).heard == ()
    assert len(reading(document).refused) == 1


def test_the_signature_is_metas_and_pywa_agrees() -> None:
    body = payloads.body(whatsapp_batch(whatsapp_message()))
    header = "sha256=" + hmac.new(payloads.APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert webhook_updates_validator(payloads.APP_SECRET, body, header)
    verify(body, header, ["another-secret-of-the-app", payloads.APP_SECRET])
    for forged, status in ((None, 401), ("", 401), (header[:-1] + "x", 403), ("sha256=", 403), ("é", 403)):
        with pytest.raises(Problem) as refused:
            verify(body, forged, [payloads.APP_SECRET])
        assert refused.value.status == status
    with pytest.raises(Problem):
        verify(body + b" ", header, [payloads.APP_SECRET])
    with pytest.raises(Problem):
        verify(body, header, [])


def test_the_handshake_answers_its_challenge_to_who_knows_the_token() -> None:
    token = payloads.VERIFY_TOKEN
    assert challenge("subscribe", token, "1158201444", verify_token=token) == "1158201444"
    for mode, given_token, expected, status in (
        ("subscribe", "", token, 401),
        ("subscribe", "wrong", token, 403),
        ("unsubscribe", token, token, 403),
        ("subscribe", token, None, 403),
    ):
        with pytest.raises(Problem) as refused:
            challenge(mode, given_token, "1", verify_token=expected)
        assert refused.value.status == status


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["id", "from", "type"]), inner),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["whatsapp_business_account", "instagram"]), st.lists(_json, max_size=5))
def test_any_entries_are_read_or_refused(kind: str, entries: list[Any]) -> None:
    assert reading({"object": kind, "entry": entries}).heard == ()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(given_bytes: bytes) -> None:
    assert read(given_bytes).heard == ()
