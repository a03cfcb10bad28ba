"""Citizens who write to the city's bot on Telegram or Bale: updates as the platform would post them to intake."""

import time
from typing import Any

import httpx
from pydantic import BaseModel

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
BOT = "pasokh"


class Said(BaseModel):
    """What a citizen sends: words, a place (WGS 84 degrees), their own number, or a press on a button."""

    chat: int
    text: str | None = None
    lat: float | None = None
    lon: float | None = None
    phone: str | None = None
    button: str | None = None


async def say(client: httpx.AsyncClient, intake: str, platform: str, said: Said, *, secret: str) -> int:
    """Post an update to intake's webhook; its HTTP status. Telegram gives the secret in a header, Bale in the path."""
    if platform == "telegram":
        address, headers = f"{intake}/v1/social/telegram/{BOT}", {SECRET_HEADER: secret}
    else:
        address, headers = f"{intake}/v1/social/{platform}/{secret}", {}
    return (await client.post(address, json=update(said), headers=headers)).status_code


def update(said: Said) -> dict[str, Any]:
    """A Telegram update of a private chat."""
    person = {"id": said.chat, "is_bot": False, "first_name": "Citizen"}
    message: dict[str, Any] = {
        "message_id": _number(),
        "date": int(time.time()),
        "chat": {"id": said.chat, "type": "private", "first_name": "Citizen"},
        "from": person,
    }
    if said.button is not None:
        pressed = {"id": str(_number()), "from": person, "chat_instance": "1", "data": said.button}
        return {"update_id": _number(), "callback_query": pressed | {"message": message | {"text": "?"}}}
    if said.text is not None:
        message["text"] = said.text
    if said.lat is not None and said.lon is not None:
        message["location"] = {"latitude": said.lat, "longitude": said.lon}
    if said.phone is not None:
        message["contact"] = {"phone_number": said.phone, "first_name": "Citizen", "user_id": said.chat}
    return {"update_id": _number(), "message": message}


def _number() -> int:
    """A number that no other update has: microseconds, in 31 bits."""
    return time.time_ns() // 1000 % 2**31
