"""Rubika's bot API, by what its clients send and read: `POST /v3/{token}/sendMessage`, answers `{"status": …}`.

`OK` is taken over; `TOO_REQUESTS` is its 429, `INVALID_AUTH` and `NOT_REGISTERED` are a wrong token; other words that
begin with `INVALID` are about the chat or the text, and final.
"""

from typing import Any

import httpx
import orjson

from notify.limits import Limits, Pace
from notify.providers.outcome import NO_ANSWER, Fate, Letter, Outcome, answers
from notify.providers.posting import UNSENT, Answer, post, told

LIMITS = Limits(overall=20, overall_burst=20, chat=1, chat_burst=3)  # Rubika publishes none
PAUSE = 5.0  # seconds after TOO_REQUESTS, which names none
_BUTTONS = {
    "location": {"id": "location", "type": "AskLocation", "button_text": "ارسال موقعیت من"},
    "contact": {"id": "contact", "type": "AskMyPhoneNumber", "button_text": "ارسال شماره من"},
}


class Rubika:
    """A bot of Rubika's."""

    def __init__(self, name: str, url: str, token: str, pace: Pace, *, seconds: float) -> None:
        self.name = name
        self.pace = pace
        self._client = httpx.AsyncClient(timeout=seconds)
        self._url = f"{url}/v3/{token}/sendMessage"

    async def send(self, letter: Letter) -> Outcome:
        """One message to one chat."""
        return judge(letter.localid, await post(self._client, self._url, orjson.dumps(send_message(letter))))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def send_message(letter: Letter) -> dict[str, Any]:
    """The parameters of `sendMessage`; `on_time_keyboard` is how Rubika spells it."""
    body: dict[str, Any] = {"chat_id": letter.to, "text": letter.text}
    if letter.offer == "answer":
        row = [{"id": pressed, "type": "Simple", "button_text": title} for title, pressed in answers(letter)]
        body["inline_keypad"] = {"rows": [{"buttons": row}]}
    button = _BUTTONS.get(letter.offer or "")
    if button is not None:
        keypad = {"rows": [{"buttons": [button]}], "resize_keyboard": True, "on_time_keyboard": True}
        body |= {"chat_keypad_type": "New", "chat_keypad": keypad}
    return body


def judge(localid: int, answer: Answer) -> Outcome:
    """Permanent or passing."""
    if answer.status == 0:
        return Outcome(localid, Fate.RETRY, detail=NO_ANSWER if answer.unknown else UNSENT, unknown=answer.unknown)
    word = told(answer.document.get("status", answer.status))
    if word == "OK":
        return Outcome(localid, Fate.SENT)
    if word == "TOO_REQUESTS" or answer.status == 429:
        return Outcome(localid, Fate.RETRY, detail=word, after=answer.after or PAUSE)
    if word in ("INVALID_AUTH", "NOT_REGISTERED") or answer.status in (401, 404):
        return Outcome(localid, Fate.RETRY, detail=word, slow=True)
    if word.startswith("INVALID") or 400 <= answer.status < 500:
        return Outcome(localid, Fate.REFUSED, detail=word)
    return Outcome(localid, Fate.RETRY, detail=word, unknown=answer.status < 400 and not answer.document)
