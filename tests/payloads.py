"""What the platforms post, by their documents: bodies with sensible values for what a test does not care about."""

import itertools
import json
import time
from typing import Any
from urllib.parse import urlencode

SECRET = "an-unguessable-part-of-the-address"
APP_SECRET = "the-app-secret-that-meta-signs-with"
VERIFY_TOKEN = "a-token-for-the-handshake"
_numbers = itertools.count(1)


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


def number() -> int:
    """One that no other body has."""
    return next(_numbers)


def rubika_message(**given: Any) -> dict[str, Any]:
    """A new message of a person to the bot."""
    said = {"message_id": f"{204215121115944300 + next(_numbers)}", "time": str(now()), "is_edited": False}
    usual = said | {"sender_type": "User", "sender_id": "u0QFtn0abcded727585c77b8e116cd79", "text": "جوی آب گرفته"}
    return {"update": {"type": "NewMessage", "chat_id": "b0QFtn0C1I022", "new_message": usual | given}}


def rubika_press(button: str, **given: Any) -> dict[str, Any]:
    """A button below a message of the bot was pressed."""
    usual = {"sender_id": "u0QFtn0", "chat_id": "b0QFtn0C1I022", "message_id": "204216801381244279", "text": "بله"}
    return {"inline_message": usual | {"aux_data": {"start_id": None, "button_id": button}} | given}


def whatsapp_message(kind: str = "text", **given: Any) -> dict[str, Any]:
    """One message of a citizen."""
    usual: dict[str, Any] = {"from": "989121234567", "id": f"wamid.{next(_numbers)}", "timestamp": str(now())}
    words = {"text": {"body": "جوی آب گرفته"}} if kind == "text" else {}
    return usual | {"type": kind} | words | given


def whatsapp_batch(*messages: Any, statuses: list[Any] | None = None) -> dict[str, Any]:
    """A batch with one entry."""
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "982196000", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": "x"}, "wa_id": "989121234567", "user_id": "IR.13491208655302741918"}],
    }
    value |= {"messages": list(messages)} if messages else {}
    value |= {"statuses": statuses} if statuses else {}
    return meta_batch("whatsapp_business_account", {"id": "102290129340398", "changes": [_change(value)]})


def _change(value: dict[str, Any]) -> dict[str, Any]:
    return {"field": "messages", "value": value}


def whatsapp_status(status: str = "delivered", **given: Any) -> dict[str, Any]:
    """What became of a message of ours."""
    return {"id": "wamid.ours", "status": status, "timestamp": str(now()), "recipient_id": "989121234567"} | given


def instagram_event(**given: Any) -> dict[str, Any]:
    """A direct message of a citizen."""
    usual = {"sender": {"id": "17841400000000001"}, "recipient": {"id": "90010"}, "timestamp": now() * 1000}
    return usual | (given or {"message": {"mid": f"m_{next(_numbers)}", "text": "جوی آب گرفته"}})


def instagram_batch(*events: Any) -> dict[str, Any]:
    """A batch with one entry."""
    return meta_batch("instagram", {"id": "90010", "time": now() * 1000, "messaging": list(events)})


def meta_batch(kind: str, *entries: Any) -> dict[str, Any]:
    """A batch of any object."""
    return {"object": kind, "entry": list(entries)}


def sms_form(**given: Any) -> bytes:
    """An SMS as Kavenegar posts it."""
    usual = {"messageid": str(30_000_000 + next(_numbers)), "from": "09121234567", "to": "10004346", "message": "سلام"}
    return urlencode(usual | given).encode()


def body(document: Any) -> bytes:
    """A document as it travels."""
    return json.dumps(document).encode()


def telegram_message(**given: Any) -> dict[str, Any]:
    """A message of a person to the bot, in the dialect of Telegram and Bale."""
    person = {"id": 1177, "is_bot": False, "first_name": "x"}
    usual = {"message_id": next(_numbers), "from": person, "chat": {"id": 1177, "type": "private"}, "date": now()}
    return {"update_id": next(_numbers), "message": usual | (given or {"text": "جوی آب گرفته"})}
