"""The Tehran Man app's webhook, by the Standard Webhooks specification: signed, the same `webhook-id` at every try.

The signature is `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`, under the bytes of `whsec_…`. Any 2xx is
success; 410 says that nobody listens any more, and until the next start everything takes its other way.
"""

import base64
import hmac
import logging
from datetime import UTC, datetime

import httpx
import orjson

from notify.limits import Limits, Pace
from notify.providers.outcome import Fate, Letter, Outcome
from notify.providers.posting import UNSENT, Answer, post

log = logging.getLogger(__name__)
LIMITS = Limits(overall=500, overall_burst=500, chat=100, chat_burst=100)  # the city's own server
SECRET = "whsec_"
GONE = "the app's webhook said 410"


class AppWebhook:
    """Pushes what a citizen of the app is told to the app's own server."""

    name = "push"

    def __init__(self, url: str, secret: str, pace: Pace, *, seconds: float) -> None:
        self.pace = pace
        self._url = url
        self._key = base64.b64decode(secret.removeprefix(SECRET))
        self._client = httpx.AsyncClient(timeout=seconds)
        self._gone = False

    async def send(self, letter: Letter) -> Outcome:
        """One thing told to one citizen."""
        if self._gone:
            return Outcome(letter.localid, Fate.REFUSED, detail=GONE)
        body = payload(letter)
        headers = signed(str(letter.id), body, self._key, datetime.now(UTC))
        outcome = judge(letter.localid, await post(self._client, self._url, body, headers))
        if outcome.detail == GONE:
            self._gone = True
            log.error("%s; nothing is pushed until the next start", GONE)
        return outcome

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def payload(letter: Letter) -> bytes:
    """What is pushed: type, when it was decided, and the data."""
    data = {"code": letter.code, "told": letter.told, "text": letter.text, "citizen": letter.to}
    kind = f"case.{letter.told}" if letter.code else f"prompt.{letter.told}"
    return orjson.dumps({"type": kind, "timestamp": letter.created_at.isoformat(), "data": data})


def signed(message_id: str, body: bytes, key: bytes, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    moment = str(int(now.timestamp()))
    signature = hmac.digest(key, f"{message_id}.{moment}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def judge(localid: int, answer: Answer) -> Outcome:
    """Any 2xx is success and 410 the end; all else is tried again. A doubled one has the same id and does no harm."""
    if 200 <= answer.status < 300:
        return Outcome(localid, Fate.SENT)
    if answer.status == 410:
        return Outcome(localid, Fate.REFUSED, detail=GONE)
    detail = f"HTTP {answer.status}" if answer.status else UNSENT
    slow = answer.status in (401, 403, 404)
    return Outcome(localid, Fate.RETRY, detail=detail, slow=slow, after=answer.after)
