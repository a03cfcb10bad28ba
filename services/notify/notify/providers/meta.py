"""WhatsApp Cloud and Instagram, by Meta's Graph API: `POST /{sender}/messages` with a bearer token.

An error is `{"error": {"message", "code", "error_subcode", "is_transient"}}`, and its code says what it is. Both let a
business write freely only for 24 hours after the citizen did: later it is 131047 there, 10/2534022 here, and final.
"""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson

from notify.limits import Limits, Pace
from notify.providers.outcome import NO_ANSWER, Fate, Letter, Outcome, answers
from notify.providers.posting import UNSENT, Answer, post

# Meta's: 80 a second by number, one in six seconds to the same citizen after a burst; Instagram 300 a second.
WHATSAPP_LIMITS = Limits(overall=80, overall_burst=80, chat=1 / 6, chat_burst=10)
INSTAGRAM_LIMITS = Limits(overall=50, overall_burst=50, chat=1, chat_burst=5)
TOO_MANY = frozenset({4, 17, 32, 613, 80006, 80007, 130429, 131048, 131056})
ACCOUNT = frozenset({0, 3, 10, 102, 190, 200, 368, 131005, 131031, 131042, 131045, 133010})  # a person must act
PASSING = frozenset({1, 2, 131000, 131016, 131057, 133004})
NOT_THIS_ONE = frozenset({2534022, 2018278, 2018109, 2534014})  # subcodes: the window is closed, or nobody is there
PAUSE = 6.0  # seconds after a limit that names none
MOST_BYTES = 1000  # of a text on Instagram

Body = Callable[[Letter], dict[str, Any]]


class Graph:
    """A number of WhatsApp's or an account of Instagram's; `path` ends in its id."""

    def __init__(self, name: str, path: str, token: str, pace: Pace, *, seconds: float) -> None:
        self.name = name
        self.pace = pace
        self._body = whatsapp_message if name.startswith("whatsapp") else instagram_message
        self._client = httpx.AsyncClient(timeout=seconds, headers={"Authorization": f"Bearer {token}"})
        self._url = f"{path}/messages"

    async def send(self, letter: Letter) -> Outcome:
        """One message to one citizen."""
        return judge(letter.localid, await post(self._client, self._url, orjson.dumps(self._body(letter))))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def whatsapp_message(letter: Letter) -> dict[str, Any]:
    """A text, beside it what the citizen may answer or a question for their place; their number is known there."""
    whom = "to" if letter.to.isdigit() else "recipient"  # who hides their number is known by a user id: `IR.134912…`
    body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", whom: letter.to}
    asked: dict[str, Any]
    if letter.offer == "location":
        asked = {"type": "location_request_message", "body": {"text": letter.text}, "action": {"name": "send_location"}}
        return body | {"type": "interactive", "interactive": asked}
    if letter.offer == "answer":
        row = [{"type": "reply", "reply": {"id": pressed, "title": title}} for title, pressed in answers(letter)]
        asked = {"type": "button", "body": {"text": letter.text}, "action": {"buttons": row}}
        return body | {"type": "interactive", "interactive": asked}
    return body | {"type": "text", "text": {"preview_url": False, "body": letter.text}}


def instagram_message(letter: Letter) -> dict[str, Any]:
    """A text of at most 1000 bytes, beside it what the citizen may answer."""
    message: dict[str, Any] = {"text": letter.text.encode()[:MOST_BYTES].decode(errors="ignore")}
    if letter.offer == "answer":
        message["quick_replies"] = [
            {"content_type": "text", "title": title, "payload": pressed} for title, pressed in answers(letter)
        ]
    return {"recipient": {"id": letter.to}, "message": message}


def judge(localid: int, answer: Answer) -> Outcome:
    """Permanent or passing, by the error's code."""
    if answer.status == 0:
        return Outcome(localid, Fate.RETRY, detail=NO_ANSWER if answer.unknown else UNSENT, unknown=answer.unknown)
    error = answer.document.get("error")
    if not isinstance(error, Mapping):
        return _without_error(localid, answer)
    code, subcode = error.get("code"), error.get("error_subcode")
    detail = f"{code}/{subcode}" if subcode else f"{code}"
    if subcode in NOT_THIS_ONE:
        return Outcome(localid, Fate.REFUSED, detail=detail)
    if code in TOO_MANY:
        return Outcome(localid, Fate.RETRY, detail=detail, after=answer.after or PAUSE)
    if code in ACCOUNT or answer.status == 401:
        return Outcome(localid, Fate.RETRY, detail=detail, slow=True)
    if code in PASSING or error.get("is_transient") is True or answer.status >= 500:
        return Outcome(localid, Fate.RETRY, detail=detail)
    return Outcome(localid, Fate.REFUSED, detail=detail)


def _without_error(localid: int, answer: Answer) -> Outcome:
    if 200 <= answer.status < 300 and answer.document:
        return Outcome(localid, Fate.SENT)
    if answer.status == 429:
        return Outcome(localid, Fate.RETRY, detail="429", after=answer.after or PAUSE)
    return Outcome(localid, Fate.RETRY, detail=f"{answer.status}", unknown=answer.status < 300)
