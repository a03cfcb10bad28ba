"""Malformed payloads of every platform, among valid ones: no 5xx, and nothing valid is lost.

`FUZZ_PAYLOADS=100000 FUZZ_SEED=1 python -m pytest tests/integration/test_platform_fuzz.py -s` sends so many.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from intake.channels.meta.signature import signature
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests import payloads
from tests.builders import a_database
from tests.integration.webhooks import Platforms, platforms_of
from tests.mutations import malformed, malformed_form
from tests.payloads import SECRET

PAYLOADS = int(os.environ.get("FUZZ_PAYLOADS", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "7"))
AT_ONCE = 64
VALID_EVERY = 100
TOLD = {200, 401, 403, 413}  # taken, or refused for its secret or its size
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Platform:
    """How a platform posts: a valid body with a text, a malformed one, and what goes with it."""

    name: str
    path: str
    valid: Callable[[str, int], bytes]
    documents: tuple[Callable[[], Any], ...] = ()

    def headers(self, body: bytes) -> Headers:
        """What proves who sent it."""
        if self.name in ("whatsapp", "instagram"):
            return [(b"x-hub-signature-256", f"sha256={signature(body, payloads.APP_SECRET)}".encode())]
        return [(b"x-telegram-bot-api-secret-token", SECRET.encode())] if self.name == "telegram" else []

    def malformed(self, dice: random.Random) -> bytes:
        """One of its bodies with something wrong."""
        if self.name == "sms":
            return malformed_form(payloads.sms_form(), dice)
        return malformed(dice.choice(self.documents)(), dice)


def _telegram(**given: Any) -> Callable[[], Any]:
    return lambda: payloads.telegram_message(**given)


_PRESSED = {"id": "1", "from": {"id": 1177, "is_bot": False, "first_name": "x"}, "data": "yes", "chat_instance": "1"}
_TELEGRAM: tuple[Callable[[], Any], ...] = (
    payloads.telegram_message,
    _telegram(location={"latitude": 35.7, "longitude": 51.4}),
    _telegram(photo=[{"file_id": "a", "file_unique_id": "b", "width": 90, "height": 90, "file_size": 10}]),
    _telegram(contact={"phone_number": "989121234567", "first_name": "x", "user_id": 1177}),
    lambda: {"update_id": payloads.number(), "callback_query": _PRESSED},
)
_PLACE = {"latitude": "35.7", "longitude": "51.4"}


def _of_whatsapp(text: str, n: int) -> bytes:
    message = payloads.whatsapp_message(text={"body": text}, **{"from": f"98910{n:07d}"})
    return payloads.body(payloads.whatsapp_batch(message))


def _of_instagram(text: str, n: int) -> bytes:
    event = payloads.instagram_event(message={"mid": f"valid-{n}", "text": text}, sender={"id": f"valid-{n}"})
    return payloads.body(payloads.instagram_batch(event))


def _of_rubika(text: str, n: int) -> bytes:
    document = payloads.rubika_message(text=text)
    document["update"]["chat_id"] = f"b0valid{n}"
    return payloads.body(document)


def _of_telegram(text: str, n: int) -> bytes:
    return payloads.body(payloads.telegram_message(text=text, chat={"id": 10_000_000 + n, "type": "private"}))


def _of_sms(text: str, n: int) -> bytes:
    return payloads.sms_form(message=text, **{"from": f"0910{n:07d}"})


PLATFORMS = (
    Platform("telegram", "/v1/social/telegram/pasokh", _of_telegram, _TELEGRAM),
    Platform("bale", f"/v1/social/bale/{SECRET}", _of_telegram, _TELEGRAM),
    Platform(
        "rubika",
        f"/v1/social/rubika/{SECRET}/receiveUpdate",
        _of_rubika,
        (
            payloads.rubika_message,
            lambda: payloads.rubika_message(location=_PLACE, file={"file_id": "f", "file_name": "a.jpg", "size": "1"}),
            lambda: payloads.rubika_press("yes"),
        ),
    ),
    Platform(
        "whatsapp",
        "/v1/social/whatsapp",
        _of_whatsapp,
        (
            lambda: payloads.whatsapp_batch(payloads.whatsapp_message(), statuses=[payloads.whatsapp_status()]),
            lambda: payloads.whatsapp_batch(payloads.whatsapp_message("image", image={"id": "1", "caption": "x"})),
        ),
    ),
    Platform(
        "instagram",
        "/v1/social/instagram",
        _of_instagram,
        (lambda: payloads.instagram_batch(payloads.instagram_event()),),
    ),
    Platform("sms", f"/v1/social/sms/{SECRET}", _of_sms),
)


@pytest.fixture
async def platforms(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Platforms]:
    database = await a_database(postgres, "intake", database_name)
    async with platforms_of(database, keys, conversation_photo=False) as made:
        yield made
    await database.close()


async def _post(app: Any, path: str, body: bytes, headers: Headers) -> int:
    """The status of one request, without a client's own work on the way."""
    status = 0
    given = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
    }
    scope |= {"headers": given, "http_version": "1.1", "scheme": "http", "server": ("intake", 80), "client": None}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope | {"root_path": "", "app": app}, receive, send)
    return status


@pytest.mark.timeout(1800)
async def test_malformed_payloads_are_told_what_their_platform_expects_and_nothing_valid_is_lost(
    platforms: Platforms,
) -> None:
    dice = random.Random(SEED)
    told: Counter[int] = Counter()
    sent: list[str] = []
    for start in range(0, PAYLOADS, AT_ONCE):
        posts = []
        for n in range(start, min(start + AT_ONCE, PAYLOADS)):
            platform = PLATFORMS[n % len(PLATFORMS)]
            posts.append(_one(platforms, platform, platform.malformed(dice)))
            if n % VALID_EVERY == 0:
                sent.append(f"چاله در کوچه ۱۲ منطقه ۵ شماره {n}")
                valid = PLATFORMS[len(sent) % len(PLATFORMS)]
                posts.append(_one(platforms, valid, valid.valid(sent[-1], n)))
        told.update(await asyncio.gather(*posts))
    kept = len(await platforms.inspected())
    print(f"{PAYLOADS} malformed payloads, {len(sent)} valid: {dict(told)}, {kept} kept for inspection")
    assert set(told) <= TOLD
    assert set(sent) <= set(await platforms.texts())


async def _one(platforms: Platforms, platform: Platform, body: bytes) -> int:
    return await _post(platforms.app, platform.path, body, platform.headers(body))
