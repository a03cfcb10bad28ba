"""Messengers' APIs as their public documents and clients describe them, and the app's webhook; no more than is sent.

Each stands under a path of its own, which takes the place of the platform's base address: `/telegram/bot{token}/…`,
`/bale/bot{token}/…`, `/eitaa/api/{token}/…`, `/rubika/v3/{token}/…`, `/whatsapp/{id}/messages`, `/app/webhook`.
"""

import asyncio
import base64
import hmac
import time
from collections.abc import Mapping
from typing import Any, cast

import orjson
from fastapi import APIRouter, Request, Response

from workbench.sandbox.chats import ChatFaults, Chats

router = APIRouter(include_in_schema=False)
LONGEST = 4096
_LATE = 300  # seconds that a push may be old
_BOT_ERRORS = {
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "window": (403, "Forbidden: bot can't initiate conversation with a user"),
    "gone": (400, "Bad Request: chat not found"),
    "failing": (502, "Bad Gateway"),
}
_RUBIKA_ERRORS = {"limited": "TOO_REQUESTS", "failing": "SERVER_ERROR"}
_GRAPH_ERRORS = {
    "blocked": (400, 131026, "Message undeliverable"),
    "window": (400, 131047, "Re-engagement message"),
    "gone": (400, 131026, "Message undeliverable"),
    "limited": (400, 131056, "Pair rate limit hit"),
    "failing": (500, 131000, "Something went wrong"),
}
_PUSH_ERRORS = {"gone": 410, "limited": 429, "blocked": 403, "window": 403, "failing": 500}


@router.post("/telegram/bot{token}/sendMessage")
@router.post("/bale/bot{token}/sendMessage")
@router.post("/eitaa/api/{token}/sendMessage")
async def bot_message(request: Request, token: str) -> Response:
    """Telegram's dialect."""
    platform, chats = request.url.path.split("/")[1], _chats(request)
    if token != request.app.state.bot_token:
        return _bot_error(401, "Unauthorized")
    body = await _parameters(request)
    chat, text = str(body.get("chat_id", "")), body.get("text")
    wrong = await chats.call(platform, chat)
    if wrong.answer == "limited":
        parameters = {"retry_after": wrong.retry_after}
        return _bot_error(429, f"Too Many Requests: retry after {wrong.retry_after}", parameters)
    if wrong.answer is not None:
        return _bot_error(*_BOT_ERRORS[wrong.answer])
    if not chat or not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        return _bot_error(400, "Bad Request: message text is empty" if chat else "Bad Request: chat_id is empty")
    told = chats.tell(platform, chat, text, button=_button(body.get("reply_markup")))
    await _slowly(wrong)
    here: dict[str, Any] = {"id": int(chat) if chat.lstrip("-").isdecimal() else chat, "type": "private"}
    sender = {"id": 137, "is_bot": True, "first_name": "Pasokh"}
    result = {"message_id": told.number, "date": int(told.sent_at), "chat": here, "from": sender, "text": text}
    return _json({"ok": True, "result": result})


@router.post("/rubika/v3/{token}/sendMessage")
async def rubika_message(request: Request, token: str) -> Response:
    """Rubika's, whose every answer is a 200."""
    chats = _chats(request)
    if token != request.app.state.bot_token:
        return _json({"status": "INVALID_AUTH"})
    body = await _parameters(request)
    chat, text = body.get("chat_id"), body.get("text")
    wrong = await chats.call("rubika", str(chat))
    if wrong.answer is not None:
        return _json({"status": _RUBIKA_ERRORS.get(wrong.answer, "INVALID_ACCESS")})
    if not isinstance(chat, str) or not isinstance(text, str) or not chat or not text:
        return _json({"status": "INVALID_INPUT"})
    told = chats.tell("rubika", chat, text, button=_keypad(body))
    await _slowly(wrong)
    return _json({"status": "OK", "data": {"message_id": str(told.number)}})


@router.post("/whatsapp/{account}/messages")
@router.post("/instagram/{account}/messages")
async def graph_message(request: Request, account: str) -> Response:
    """Meta's Graph API."""
    platform, chats = request.url.path.split("/")[1], _chats(request)
    if request.headers.get("authorization") != f"Bearer {request.app.state.bot_token}":
        return _graph_error(401, 190, "Invalid OAuth access token")
    body = await _parameters(request)
    chat, text, button = _graph_words(platform, body)
    wrong = await chats.call(platform, chat)
    if wrong.answer is not None:
        status, code, words = _GRAPH_ERRORS[wrong.answer]
        if (platform, wrong.answer) == ("instagram", "window"):
            return _graph_error(400, 10, "This message is sent outside of allowed window", 2534022)
        return _graph_error(status, code, words)
    if not chat or not text:
        return _graph_error(400, 100, "Invalid parameter")
    told = chats.tell(platform, chat, text, button=button)
    await _slowly(wrong)
    if platform == "instagram":
        return _json({"recipient_id": chat, "message_id": f"m_{told.number}"})
    known = [{"input": chat, "wa_id": chat}]
    return _json({"messaging_product": "whatsapp", "contacts": known, "messages": [{"id": f"wamid.{told.number}"}]})


@router.post("/app/webhook")
async def app_webhook(request: Request) -> Response:
    """The app's server: verifies the signature, and takes the same `webhook-id` once."""
    chats, raw = _chats(request), await request.body()
    if not _is_signed(request, raw):
        return Response(status_code=401)
    data = orjson.loads(raw)["data"]
    wrong = await chats.call("push", data["citizen"])
    if wrong.answer is not None:
        headers = {"Retry-After": str(wrong.retry_after)} if wrong.answer == "limited" else None
        return Response(status_code=_PUSH_ERRORS[wrong.answer], headers=headers)
    chats.push(data["citizen"], data["text"], message_id=request.headers["webhook-id"], code=data["code"])
    await _slowly(wrong)
    return Response(status_code=204)


def _is_signed(request: Request, raw: bytes) -> bool:
    """By the Standard Webhooks specification, and not older than five minutes."""
    headers = request.headers
    moment, secret = headers.get("webhook-timestamp", ""), cast(str, request.app.state.webhook_secret)
    if not moment.isdecimal() or abs(time.time() - int(moment)) > _LATE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, f"{headers.get('webhook-id')}.{moment}.".encode() + raw, "sha256")
    expected = f"v1,{base64.b64encode(mac).decode()}"
    return any(hmac.compare_digest(one, expected) for one in headers.get("webhook-signature", "").split(" "))


def _chats(request: Request) -> Chats:
    chats: Chats = request.app.state.chats
    return chats


async def _parameters(request: Request) -> dict[str, Any]:
    """JSON in the body, as Telegram's dialect also takes it, or a form's fields."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = orjson.loads(await request.body())
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
    return dict(await request.form())


def _button(markup: Any) -> str | None:
    """What a reply keyboard asks for, or what its inline buttons say to the bot; a form carries it as JSON."""
    if isinstance(markup, str):
        markup = orjson.loads(markup)
    if not isinstance(markup, Mapping):
        return None
    if inline := markup.get("inline_keyboard"):
        return " | ".join(button.get("callback_data", "") for row in inline for button in row)
    rows = markup.get("keyboard")
    button = rows[0][0] if rows else {}
    return "location" if button.get("request_location") else "contact" if button.get("request_contact") else None


def _keypad(body: Mapping[str, Any]) -> str | None:
    """The same of Rubika's."""
    if inline := body.get("inline_keypad"):
        return " | ".join(button["id"] for row in inline["rows"] for button in row["buttons"])
    rows = (body.get("chat_keypad") or {}).get("rows")
    return rows[0]["buttons"][0]["type"] if rows else None


def _graph_words(platform: str, body: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Citizen, text and buttons."""
    if platform == "instagram":
        message = body.get("message", {})
        pressed = [one["payload"] for one in message.get("quick_replies", ())]
        return str(body.get("recipient", {}).get("id", "")), message.get("text", ""), " | ".join(pressed) or None
    to = str(body.get("to") or body.get("recipient", ""))  # `recipient`: a user id, of who hides their number
    interactive = body.get("interactive")
    if isinstance(interactive, Mapping):
        pressed = [one["reply"]["id"] for one in interactive.get("action", {}).get("buttons", ())]
        words = interactive.get("body", {}).get("text", "")
        return to, words, " | ".join(pressed) or interactive.get("type")
    return to, body.get("text", {}).get("body", ""), None


async def _slowly(wrong: ChatFaults) -> None:
    """It was done, and is answered late: the sender cannot know."""
    if wrong.slow_answer_seconds:
        await asyncio.sleep(wrong.slow_answer_seconds)


def _bot_error(number: int, words: str, parameters: Mapping[str, Any] | None = None) -> Response:
    body: dict[str, Any] = {"ok": False, "error_code": number, "description": words}
    return _json(body | ({"parameters": dict(parameters)} if parameters else {}), number)


def _graph_error(status: int, code: int, words: str, subcode: int | None = None) -> Response:
    error: dict[str, Any] = {"message": f"(#{code}) {words}", "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return _json({"error": error | {"fbtrace_id": "sandbox"}}, status)


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
