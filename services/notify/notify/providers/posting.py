"""One POST to a platform, and what came back in words that every adapter can judge."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from common.persian import normalise

MOST_WAIT = 3600.0  # seconds; nobody is obeyed for longer
UNSENT = "not reached"
LONGEST_WORDS = 200
_BEFORE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)  # nothing was written
_NUMBER = re.compile(r"\d{5,}")  # long enough to be a chat or a telephone number


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered: HTTP status, JSON object (empty where there is none) and the seconds of its
    Retry-After. Without an answer the status is 0, and `unknown` says whether the request was under way."""

    status: int
    document: Mapping[str, Any] = field(default_factory=dict)
    after: float = 0.0
    unknown: bool = False


async def post(client: httpx.AsyncClient, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """Post JSON; what came of it, whatever it was. The client's time-out is for a silence: the whole call has twice
    that, and less than a courier's lease, or who answers byte by byte would keep it for ever."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    whole = 2 * client.timeout.read if client.timeout.read else None
    try:
        async with asyncio.timeout(whole):
            answer = await client.post(url, content=content, headers=sent)
    except _BEFORE:
        return Answer(0)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        return Answer(0, unknown=True)
    return Answer(answer.status_code, _document(answer), seconds(answer.headers.get("retry-after")))


def seconds(value: object) -> float:
    """A number of seconds to wait, as a platform gives it; 0 where it is none."""
    try:
        return min(MOST_WAIT, max(0.0, float(str(value))))
    except ValueError:
        return 0.0


def told(words: object) -> str:
    """A platform's words as they may stand in tables, logs and `activity.v1`: some repeat the chat or the number."""
    return _NUMBER.sub("…", normalise(str(words)))[:LONGEST_WORDS].rstrip()


def _document(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        document = orjson.loads(answer.content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
