"""The queues as they change: one look for all, and an end when the service stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from common.app import Service
from common.db import Database
from common.health import Health
from intake.app import create_app
from intake.channels.phone.queue_watch import MOST_LISTENERS, QueueWatch
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside

AGENTS = [("401", "ready"), ("402", "busy"), ("403", "paused")]


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def service(database: Database, keys: Keys) -> AsyncIterator[Service]:
    made: Service = create_app(Settings.model_construct(None, **service_settings(database.address, keys))).state.service
    yield made
    await made.database.close()


async def _tell(asked: Asked) -> None:
    now = datetime.now(UTC)
    call = {"call_id": "c", "queue": "137", "event": "joined", "at": (now - timedelta(seconds=20)).isoformat()}
    done = [
        call | {"call_id": "d", "event": event, "at": (now - timedelta(seconds=ago)).isoformat(), "agent": "401"}
        for event, ago in (("joined", 200), ("answered", 160), ("ended", 60))
    ]
    agents = [{"queue": "137", "agent": a, "state": s, "at": now.isoformat()} for a, s in AGENTS]
    answer = await asked.post("/v1/phone/events", "service", {"events": [call, *done], "agents": agents})
    assert (answer.status_code, answer.json()["agents"]) == (202, 3)


async def test_a_queue_is_told_with_its_agents_and_its_last_calls(service: Service, keys: Keys) -> None:
    asked = Asked(service.app, keys)
    await _tell(asked)
    [queue] = (await asked.get("/v1/phone/queues", "supervisor")).json()
    assert queue.pop("longest_wait_seconds") >= 20
    assert queue == {
        "queue": "137",
        "waiting": 1,
        "agents": {"ready": 1, "busy": 1, "paused": 1},
        "at_work": 2,
        "handled": 1,
        "mean_service_seconds": 100.0,
        "mean_wait_seconds": 40.0,
    }


async def test_of_an_agents_own_mobile_number_no_more_than_its_end_is_kept(
    service: Service, database: Database, keys: Keys
) -> None:
    now = datetime.now(UTC).isoformat()
    call = {"call_id": "c", "queue": "137", "event": "answered", "at": now, "agent": "09121234567"}
    agent = {"queue": "137", "agent": "+989121234567", "state": "busy", "at": now}
    body = {"events": [call], "agents": [agent]}
    assert (await Asked(service.app, keys).post("/v1/phone/events", "service", body)).status_code == 202
    async with database.transaction() as tx:
        [event] = await tx.fetch("SELECT body::jsonb->>'agent' AS agent FROM outbox WHERE name = 'call.changed.v1'")
        [known] = await tx.fetch("SELECT agent FROM queue_agents")
    assert event["agent"] == known["agent"] == "mobile-4567"


async def test_events_of_calls_and_agents_may_not_both_be_missing(service: Service, keys: Keys) -> None:
    asked = Asked(service.app, keys)
    assert (await asked.post("/v1/phone/events", "service", {})).status_code == 422
    odd = {"queue": "137", "agent": "401", "state": "asleep", "at": "2026-11-24T10:30:00Z"}
    refused = await asked.post("/v1/phone/events", "service", {"agents": [odd]})
    assert refused.json()["errors"][0]["pointer"] == "/agents/0/state"


async def test_who_listens_is_told_at_once_and_at_every_change_until_the_service_stops(
    service: Service, keys: Keys
) -> None:
    watch: QueueWatch = service.app.state.queue_watch
    asked = Asked(service.app, keys)
    async with beside(watch.run()), asyncio.timeout(90):
        response = watch.response()
        assert response.media_type == "text/event-stream"
        stream = watch.events()
        assert await anext(stream) == b"retry: 2000\n\n"
        assert await anext(stream) == b"id: 1\nevent: queues\ndata: []\n\n"
        await _tell(asked)
        head, _, data = (await anext(stream)).partition(b"data: ")
        assert head == b"id: 2\nevent: queues\n"
        assert orjson.loads(data)[0]["waiting"] == 1
        service.health.stopping = True
        assert [part async for part in stream if not part.startswith(b"id")] == []


async def test_who_listens_after_a_while_without_listeners_is_told_how_it_is_now(service: Service, keys: Keys) -> None:
    watch: QueueWatch = service.app.state.queue_watch
    async with beside(watch.run()), asyncio.timeout(30):
        assert (await _first_told(watch)) == []
        await _tell(Asked(service.app, keys))
        assert [queue["waiting"] for queue in await _first_told(watch)] == [1]


async def test_what_was_looked_up_for_one_who_left_meanwhile_is_told_to_nobody(
    service: Service, database: Database, keys: Keys
) -> None:
    watch: QueueWatch = service.app.state.queue_watch
    stream = watch.events()
    async with asyncio.timeout(30):
        await anext(stream)
        async with database.transaction() as tx:
            await tx.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
            looking = asyncio.create_task(watch._look())
            while not await tx.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
            await stream.aclose()
        await looking
        await _tell(Asked(service.app, keys))
        async with beside(watch.run()):
            assert [queue["waiting"] for queue in await _first_told(watch)] == [1]


async def _first_told(watch: QueueWatch) -> Any:
    async with contextlib.aclosing(watch.events()) as stream:
        told = (orjson.loads(part.partition(b"data: ")[2]) async for part in stream if b"data: " in part)
        return await anext(told)


async def test_only_so_many_may_listen(database: Database, keys: Keys) -> None:
    watch = QueueWatch(database, Health())
    streams = [watch.events() for _ in range(MOST_LISTENERS)]
    for stream in streams:
        await anext(stream)
    asked = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    asked.state.queue_watch = watch
    assert (await Asked(asked, keys).get("/v1/phone/queues/stream", "operator")).status_code == 503
    assert (await Asked(asked, keys).get("/v1/phone/queues/stream", "app")).status_code == 403
    for stream in streams:
        await stream.aclose()
    watch.response()
    await asked.state.service.database.close()
