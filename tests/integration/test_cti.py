"""The CTI webhook: JSON, form and multipart, once each, and only by the path that we gave out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from common.db import Database
from intake.app import create_app
from intake.channels.phone.cti_api import read_secret
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.exchanges import fates, rows

PATH = "/v1/phone/cti/unguessable"
CALL = {"callId": "307fa962-de8d", "from": "989121234567", "to": "137", "direction": "in", "user": "نام کارشناس"}


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def exchange(database: Database, keys: Keys, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    secret = tmp_path / "secret"
    secret.write_text("unguessable\n")
    settings = service_settings(database.address, keys) | {"cti_secret": secret}
    app = create_app(Settings.model_construct(None, **settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client
    await app.state.service.database.close()


async def test_a_call_told_as_form_json_and_multipart(exchange: httpx.AsyncClient, database: Database) -> None:
    answer = CALL | {"event": "answer", "answeringNumber": "401"}
    hangup = {name: (None, value) for name, value in (CALL | {"event": "hangup", "cause": "normalClearing"}).items()}
    answers = [
        await exchange.post(PATH, data=CALL | {"event": "newCall", "user[]": "نام"}),
        await exchange.post(PATH, json=answer),
        await exchange.post(PATH, files=hangup),
    ]
    assert [(told.status_code, told.json()) for told in answers] == [(200, {})] * 3
    [(outcome, *_, agent, queue)] = (await fates(database)).values()
    assert (outcome, agent, queue) == ("answered", "401", "137")
    assert "کارشناس" not in str([dict(row) for row in await rows(database, "SELECT * FROM calls")])


async def test_what_is_posted_again_later_counts_once(exchange: httpx.AsyncClient, database: Database) -> None:
    for event in ("newCall", "hangup", "newCall", "hangup"):
        await exchange.post(PATH, data=CALL | {"event": event, "cause": "cancel"})
    assert [row[0] for row in (await fates(database)).values()] == ["abandoned"]
    assert len(await rows(database, "SELECT 1 FROM outbox")) == 3
    [queue] = await rows(database, "SELECT gone_at > last_joined_at AS over FROM calls")
    assert queue["over"]


async def test_a_call_ends_in_the_queue_that_it_joined_though_only_its_beginning_named_it(
    exchange: httpx.AsyncClient, database: Database
) -> None:
    for event in ({"event": "newCall", "queue": "help"}, {"event": "answer"}, {"event": "hangup"}):
        await exchange.post(PATH, data=CALL | event)
    published = await rows(database, "SELECT body::json->>'queue' AS queue FROM outbox")
    assert [row["queue"] for row in published] == ["help"] * 3
    assert [queue for *_, queue in (await fates(database)).values()] == ["help"]


async def test_a_number_that_no_queue_is_set_for_is_none(exchange: httpx.AsyncClient, database: Database) -> None:
    await exchange.post(PATH, data=CALL | {"event": "newCall", "to": "982112345678"})
    assert [queue for *_, queue in (await fates(database)).values()] == ["default"]


async def test_calls_that_go_out_are_none_of_a_queue(exchange: httpx.AsyncClient, database: Database) -> None:
    told = await exchange.post(PATH, data=CALL | {"event": "newCall", "direction": "out"})
    assert (told.status_code, await rows(database, "SELECT 1 FROM calls")) == (200, [])


@pytest.mark.parametrize(
    "given",
    [
        {"json": []},
        {"json": {"event": "newCall"}},
        {"json": CALL | {"event": "other"}},
        {"json": CALL | {"event": "newCall", "callId": "x" * 200}},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"content": b"\xff\xfe=1", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b"--x\r\n\r\n\xff\r\n--x--", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {
            "content": b"--x\r\nContent-Disposition: form-data; name*\r\n\r\n1\r\n--x--\r\n",
            "headers": {"content-type": "multipart/form-data; boundary=x"},
        },
        {"content": b""},
    ],
)
async def test_what_does_not_fit_is_named_and_not_stored(
    exchange: httpx.AsyncClient, database: Database, given: dict[str, Any]
) -> None:
    told = await exchange.post(PATH, **given)
    assert told.status_code == 422
    assert told.headers["content-type"] == "application/problem+json"
    assert await rows(database, "SELECT 1 FROM calls") == []


async def test_another_path_is_refused(exchange: httpx.AsyncClient, database: Database) -> None:
    told = await exchange.post("/v1/phone/cti/guessed", data=CALL | {"event": "newCall"})
    assert told.status_code == 401
    assert await rows(database, "SELECT 1 FROM calls") == []


def test_without_a_secret_nobody_gets_in() -> None:
    assert read_secret(None) is None
