import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from notify.providers import app_webhook, bots, meta, rubika
from notify.providers.outcome import Fate, Letter, Outcome, answers
from notify.providers.posting import MOST_WAIT, Answer, seconds
from standardwebhooks import Webhook, WebhookVerificationError
from uuid_utils.compat import uuid7

SENT, RETRY, REFUSED = Fate.SENT, Fate.RETRY, Fate.REFUSED
NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)


def a_letter(**given: Any) -> Letter:
    usual: dict[str, Any] = {
        "localid": 1,
        "id": uuid7(),
        "to": "42",
        "text": "سلام",
        "told": "registered",
        "created_at": NOW,
    }
    return Letter(**usual | given)


def bot_error(number: int, words: str, **parameters: int) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": number, "description": words}
    return Answer(number, body | ({"parameters": parameters} if parameters else {}))


def graph_error(status: int, code: int, subcode: int | None = None, **more: Any) -> Answer:
    return Answer(status, {"error": {"code": code, "error_subcode": subcode, "message": "…", **more}})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, {"ok": True, "result": {}}), (SENT, False, 0, False)),
        (bot_error(429, "Too Many Requests: retry after 7", retry_after=7), (RETRY, False, 7, False)),
        (Answer(429, {}, after=3), (RETRY, False, 3, False)),
        (Answer(429), (RETRY, False, 1, False)),
        (bot_error(403, "Forbidden: bot was blocked by the user"), (REFUSED, False, 0, False)),
        (bot_error(403, "Forbidden: user is deactivated"), (REFUSED, False, 0, False)),
        (bot_error(400, "Bad Request: chat not found"), (REFUSED, False, 0, False)),
        (bot_error(401, "Unauthorized"), (RETRY, True, 0, False)),
        (bot_error(404, "Not Found"), (RETRY, True, 0, False)),
        (bot_error(500, "Internal Server Error"), (RETRY, False, 0, False)),
        (Answer(502), (RETRY, False, 0, False)),
        (Answer(200), (RETRY, False, 0, True)),
        (Answer(0), (RETRY, False, 0, False)),
        (Answer(0, unknown=True), (RETRY, False, 0, True)),
    ],
)
def test_a_bots_errors_are_permanent_or_passing(answer: Answer, expected: tuple[Fate, bool, float, bool]) -> None:
    assert _seen(bots.judge(1, answer)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, {"status": "OK", "data": {"message_id": "1"}}), (SENT, False, 0, False)),
        (Answer(200, {"status": "TOO_REQUESTS"}), (RETRY, False, rubika.PAUSE, False)),
        (Answer(200, {"status": "INVALID_AUTH"}), (RETRY, True, 0, False)),
        (Answer(200, {"status": "INVALID_ACCESS"}), (REFUSED, False, 0, False)),
        (Answer(200, {"status": "INVALID_INPUT"}), (REFUSED, False, 0, False)),
        (Answer(200, {"status": "SERVER_ERROR"}), (RETRY, False, 0, False)),
        (Answer(502), (RETRY, False, 0, False)),
        (Answer(200), (RETRY, False, 0, True)),
        (Answer(0, unknown=True), (RETRY, False, 0, True)),
    ],
)
def test_rubikas_words_are_permanent_or_passing(answer: Answer, expected: tuple[Fate, bool, float, bool]) -> None:
    assert _seen(rubika.judge(1, answer)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, {"messages": [{"id": "wamid.1"}]}), (SENT, False, 0, False)),
        (graph_error(400, 131047), (REFUSED, False, 0, False)),
        (graph_error(400, 131026), (REFUSED, False, 0, False)),
        (graph_error(400, 100), (REFUSED, False, 0, False)),
        (graph_error(400, 10, 2534022), (REFUSED, False, 0, False)),
        (graph_error(403, 10), (RETRY, True, 0, False)),
        (graph_error(401, 190), (RETRY, True, 0, False)),
        (graph_error(400, 131056), (RETRY, False, meta.PAUSE, False)),
        (graph_error(400, 130429), (RETRY, False, meta.PAUSE, False)),
        (graph_error(500, 131000), (RETRY, False, 0, False)),
        (graph_error(400, 9999, is_transient=True), (RETRY, False, 0, False)),
        (Answer(429, after=9), (RETRY, False, 9, False)),
        (Answer(503), (RETRY, False, 0, False)),
        (Answer(0, unknown=True), (RETRY, False, 0, True)),
    ],
)
def test_metas_codes_are_permanent_or_passing(answer: Answer, expected: tuple[Fate, bool, float, bool]) -> None:
    assert _seen(meta.judge(1, answer)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200), (SENT, False, 0, False)),
        (Answer(204), (SENT, False, 0, False)),
        (Answer(410), (REFUSED, False, 0, False)),
        (Answer(400), (RETRY, False, 0, False)),
        (Answer(401), (RETRY, True, 0, False)),
        (Answer(302), (RETRY, False, 0, False)),
        (Answer(503, after=30), (RETRY, False, 30, False)),
        (Answer(0, unknown=True), (RETRY, False, 0, False)),
    ],
)
def test_of_the_apps_webhook_only_410_is_final(answer: Answer, expected: tuple[Fate, bool, float, bool]) -> None:
    assert _seen(app_webhook.judge(1, answer)) == expected


@pytest.mark.parametrize("named", ["987654321", "989121234567", "۰۹۱۲۱۲۳۴۵۶۷"])
def test_what_a_platform_says_of_an_error_names_no_chat_and_no_number(named: str) -> None:
    assert bots.judge(1, bot_error(400, f"chat {named} not found\0")).detail == "400 chat … not found"
    assert rubika.judge(1, Answer(200, {"status": f"INVALID_CHAT {named}"})).detail == "INVALID_CHAT …"


@pytest.mark.parametrize(("given", "expected"), [("7", 7), (7, 7), (-1, 0), (None, 0), ("Wed", 0), (1e9, MOST_WAIT)])
def test_nobody_is_obeyed_for_longer_than_an_hour(given: object, expected: float) -> None:
    assert seconds(given) == expected


def test_the_words_fit_each_platform() -> None:
    long = a_letter(text="س" * 5000)
    assert len(bots.send_message(long)["text"]) == 4096
    assert len(meta.instagram_message(long)["message"]["text"].encode()) == 1000


@pytest.mark.parametrize("offer", ["location", "contact"])
def test_a_button_is_shown_where_the_platform_has_one(offer: str) -> None:
    letter = a_letter(offer=offer)
    [[button]] = bots.send_message(letter)["reply_markup"]["keyboard"]
    assert button[f"request_{offer}"] is True
    [row] = rubika.send_message(letter)["chat_keypad"]["rows"]
    assert row["buttons"][0]["type"].startswith("Ask")
    assert meta.whatsapp_message(letter)["type"] == ("interactive" if offer == "location" else "text")
    assert "reply_markup" not in bots.send_message(letter, buttons=False)
    assert "reply_markup" not in bots.send_message(a_letter())


def test_who_hides_their_number_is_written_to_by_their_user_id() -> None:
    assert meta.whatsapp_message(a_letter(to="989121234567"))["to"] == "989121234567"
    hidden = meta.whatsapp_message(a_letter(to="IR.13491208655302741918"))
    assert (hidden["recipient"], "to" in hidden) == ("IR.13491208655302741918", False)


def test_titles_of_buttons_fit_every_platform() -> None:
    letter = a_letter(code="1927643500", offer="answer")
    assert all(len(title) <= 20 and len(pressed.encode()) <= 64 for title, pressed in answers(letter))
    assert [pressed for _, pressed in answers(letter)] == ["31 1927643500", "33 1927643500"]


def test_a_push_is_verified_by_the_specifications_own_library() -> None:
    secret = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
    letter = a_letter(code="1927643500", told="done", to="citizen-1")
    body = app_webhook.payload(letter)
    headers = app_webhook.signed(str(letter.id), body, b"k" * 32, datetime.now(UTC))
    read = Webhook(secret).verify(body, headers)
    assert read == {
        "type": "case.done",
        "timestamp": NOW.isoformat(),
        "data": {"code": "1927643500", "told": "done", "text": letter.text, "citizen": "citizen-1"},
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(json.dumps(json.loads(body)), headers)


def _seen(outcome: Outcome) -> tuple[Fate, bool, float, bool]:
    return outcome.fate, outcome.slow, outcome.after, outcome.unknown
