"""The bot APIs of Telegram, Bale and Eitaa: `sendMessage` in Telegram's dialect, by its public documentation.

An answer is `{"ok": true, "result": {…}}` or `{"ok": false, "error_code", "description", "parameters"}`; of a 429 the
parameters say `retry_after`, in seconds. Eitaa takes words alone.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from notify.limits import Limits, Pace
from notify.providers.outcome import NO_ANSWER, Fate, Letter, Outcome, answers
from notify.providers.posting import UNSENT, Answer, post, seconds, told

MOST_LETTERS = 4096
# Telegram's published limits: 30 messages a second overall, one a second in a chat. Bale names none and is given the
# same; Eitaa's channel API is slower.
BOT_LIMITS = Limits(overall=30, overall_burst=30, chat=1, chat_burst=3)
EITAA_LIMITS = Limits(overall=5, overall_burst=5, chat=1, chat_burst=3)
_BUTTONS: Mapping[str, Mapping[str, object]] = {
    "location": {"text": "ارسال موقعیت من", "request_location": True},
    "contact": {"text": "ارسال شماره من", "request_contact": True},
}


class Bot:
    """A bot of Telegram's dialect; `path` is where its methods are, token included."""

    def __init__(self, name: str, path: str, pace: Pace, *, seconds: float, buttons: bool = True) -> None:
        self.name = name
        self.pace = pace
        self._buttons = buttons
        self._client = httpx.AsyncClient(timeout=seconds)
        self._url = f"{path}/sendMessage"

    async def send(self, letter: Letter) -> Outcome:
        """One message to one chat."""
        body = send_message(letter, buttons=self._buttons)
        return judge(letter.localid, await post(self._client, self._url, orjson.dumps(body)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def send_message(letter: Letter, *, buttons: bool = True) -> dict[str, Any]:
    """The parameters of `sendMessage`."""
    chat: int | str = int(letter.to) if letter.to.lstrip("-").isdecimal() else letter.to
    body: dict[str, Any] = {"chat_id": chat, "text": letter.text[:MOST_LETTERS]}
    if buttons and letter.offer == "answer":
        row = [{"text": title, "callback_data": pressed} for title, pressed in answers(letter)]
        body["reply_markup"] = {"inline_keyboard": [row]}
    elif buttons and (button := _BUTTONS.get(letter.offer or "")):
        keyboard = [[button]]
        body["reply_markup"] = {"keyboard": keyboard, "resize_keyboard": True, "one_time_keyboard": True}
    return body


def judge(localid: int, answer: Answer) -> Outcome:
    """Permanent or passing: blocked, gone and not acceptable are permanent, a wrong token is for a person to mend."""
    if answer.status == 0:
        return Outcome(localid, Fate.RETRY, detail=NO_ANSWER if answer.unknown else UNSENT, unknown=answer.unknown)
    if answer.document.get("ok") is True:
        return Outcome(localid, Fate.SENT)
    number = answer.document.get("error_code", answer.status)
    detail = told(f"{number} {answer.document.get('description', '')}")
    if number == 429:
        asked = answer.document.get("parameters") or {}
        return Outcome(localid, Fate.RETRY, detail=detail, after=seconds(asked.get("retry_after")) or answer.after or 1)
    if number in (401, 404):
        return Outcome(localid, Fate.RETRY, detail=detail, slow=True)
    if isinstance(number, int) and 400 <= number < 500:
        return Outcome(localid, Fate.REFUSED, detail=detail)
    return Outcome(localid, Fate.RETRY, detail=detail, unknown=answer.status < 400)
