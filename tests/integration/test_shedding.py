"""Who is refused when there is too much, and that nothing of the others is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from common.db import Database
from intake.app import create_app
from intake.limits import Limit, Limits
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside
from tests.integration.open311 import POTHOLE, an_open311

BULK = {"text": "سطل زباله سر کوچه ما را عوض کنید"}
ALARM = {"text": "بوی شدید گاز کل کوچه را برداشته است"}


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@asynccontextmanager
async def an_intake(database: Database, keys: Keys, **settings: Any) -> AsyncIterator[tuple[Asked, Any]]:
    """Intake with these settings, and the loop that commits, which a test starts."""
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys) | settings))
    accept: Any = app.state.reception._accept
    yield Asked(app, keys), accept.run
    await app.state.service.database.close()


def statuses(answers: list[httpx.Response]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


async def stored(database: Database) -> set[str]:
    async with database.transaction() as tx:
        return {row["code"] for row in await tx.fetch("SELECT code FROM messages")}


async def test_what_may_be_urgent_still_gets_in_when_the_bulk_is_refused(database: Database, keys: Keys) -> None:
    async with an_intake(database, keys, most_waiting=20) as (asked, run):
        bulk = [asyncio.create_task(asked.post("/v1/app/messages", "app", BULK)) for _ in range(40)]
        async with asyncio.timeout(90):
            while sum(post.done() for post in bulk) < 20:
                await asyncio.sleep(0.01)
        urgent = [asyncio.create_task(asked.post("/v1/app/messages", "app", ALARM)) for _ in range(10)]
        async with asyncio.timeout(90):
            while sum(post.done() for post in urgent) < 5:
                await asyncio.sleep(0.01)
        async with beside(run()):
            answers = await asyncio.gather(*bulk), await asyncio.gather(*urgent)
    assert [statuses(of) for of in answers] == [{202: 20, 503: 20}, {202: 5, 503: 5}]
    everything = [*answers[0], *answers[1]]
    assert all(answer.headers["retry-after"] for answer in everything if answer.status_code == 503)
    assert {a.json()["code"] for a in everything if a.status_code == 202} == await stored(database)


async def test_a_citizen_who_floods_gets_429_and_the_others_get_in(database: Database, keys: Keys) -> None:
    async with an_intake(database, keys, citizen_burst=5, citizen_per_minute=1) as (asked, run), beside(run()):
        flood = [await asked.post("/v1/app/messages", "app:flood", BULK) for _ in range(8)]
        other = await asked.post("/v1/app/messages", "app:another", BULK)
    assert statuses(flood) == {202: 5, 429: 3}
    refused = flood[-1]
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["title"] == "Too Many Requests"
    assert other.status_code == 202
    assert len(await stored(database)) == 6


async def test_a_messenger_account_has_a_limit_of_its_own_and_its_bot_none(database: Database, keys: Keys) -> None:
    async with an_intake(database, keys, citizen_burst=2, citizen_per_minute=1) as (asked, run), beside(run()):
        posts = [("1", n) for n in range(4)] + [(str(n), 1) for n in range(2, 12)]
        answers = [
            await asked.post(
                "/v1/social/messages", "bot", BULK | {"platform": "bale", "user_id": user, "message_id": f"{user}-{n}"}
            )
            for user, n in posts
        ]
    assert statuses(answers[:4]) == {202: 2, 429: 2}
    assert statuses(answers[4:]) == {202: 10}


async def test_a_device_has_a_limit_whoever_uses_it(database: Database, keys: Keys) -> None:
    async with an_intake(database, keys, device_burst=3, device_per_minute=1) as (asked, run), beside(run()):
        answers = [await asked.post("/v1/app/messages", f"app:c{n}", BULK, Device_Id="kiosk") for n in range(5)]
        without = await asked.post("/v1/app/messages", "app:c1", BULK)
    assert statuses(answers) == {202: 3, 429: 2}
    assert without.status_code == 202


async def test_a_full_channel_refuses_the_bulk_and_takes_what_may_be_urgent(database: Database, keys: Keys) -> None:
    async with an_intake(database, keys, channel_burst=3, channel_per_minute=1) as (asked, run), beside(run()):
        answers = [await asked.post("/v1/app/messages", f"app:c{n}", BULK) for n in range(5)]
        urgent = await asked.post("/v1/app/messages", "app:c1", ALARM)
        phone = await asked.post("/v1/phone/messages", "operator", BULK)
    assert statuses(answers) == {202: 3, 429: 2}
    assert (urgent.status_code, phone.status_code) == (202, 202)


async def test_a_refused_request_is_taken_under_its_key_when_it_comes_again(database: Database, keys: Keys) -> None:
    async with an_intake(database, keys, device_burst=1, device_per_minute=1) as (asked, run), beside(run()):
        kiosk = {"Device_Id": "kiosk"}
        first = [await asked.post("/v1/app/messages", "app", BULK, Idempotency_Key=key, **kiosk) for key in ("a", "b")]
        again = await asked.post("/v1/app/messages", "app", BULK, Idempotency_Key="b")
    assert [answer.status_code for answer in first] == [202, 429]
    assert again.status_code == 202
    assert "idempotency-replayed" not in again.headers
    assert len(await stored(database)) == 2


async def test_open311_tells_a_device_that_floods_when_to_come_again_in_its_own_form(
    postgres: Postgres, database_name: str, keys: Keys, tmp_path: Path
) -> None:
    async with an_open311(postgres, database_name, keys, tmp_path) as open311:
        open311.app.state.limits = Limits(citizen=Limit(1, 1), device=Limit(1, 1), channel=Limit(60, 10))
        answers = [await open311.post(POTHOLE | {"device_id": device}) for device in ("a", "a", "b")]
    assert statuses(answers) == {201: 2, 429: 1}
    assert int(answers[1].headers["retry-after"]) > 0
    assert answers[1].json()[0]["code"] == 429
