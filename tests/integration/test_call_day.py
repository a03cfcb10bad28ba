"""A day of 12,000 calls: every call is accounted for, in order and shuffled, once and twice."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from common.calendar import ShiftName, shift_of
from common.db import Database
from intake.app import create_app
from intake.channels.phone.ami_events import Listener
from intake.channels.phone.schemas import AgentEventIn, CallEventIn
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.ami_server import AmiServer
from tests.builders import a_database, service_settings
from tests.call_day import plan_fates, say_day, yesterday
from tests.integration.exchanges import a_listener, as_told, fates, listening, published, rows, to_publish, until
from tests.integration.http import Asked

PLANNED = plan_fates(yesterday())
EXPECTED = {fate.call_id: as_told(fate) for fate in PLANNED}
QUIET = {"Event": "QueueMemberStatus", "Queue": "137", "Interface": "PJSIP/999", "Status": "5", "Paused": "0"}


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


def test_the_day_is_that_of_the_city() -> None:
    shifts = [shift_of(fate.joined_at).name for fate in PLANNED]
    shares = [round(shifts.count(shift) / len(PLANNED), 1) for shift in ShiftName]
    assert (len(PLANNED), shares) == (12_000, [0.6, 0.3, 0.1])
    assert {fate.outcome for fate in PLANNED} == {"answered", "abandoned", "left"}


async def _heard(server: AmiServer, database: Database, marker: str) -> None:
    """All that was said is stored: the last thing said is."""
    agent = marker.rpartition("/")[2]
    await server.say([QUIET | {"Interface": marker}])
    await until(lambda: rows(database, "SELECT 1 FROM queue_agents WHERE agent = $1", agent))


async def test_an_exchange_tells_the_day_once_and_then_again(database: Database, keys: Keys) -> None:
    server = AmiServer(queues=["137"])
    await server.start()
    said = say_day(PLANNED)
    async with listening(a_listener(server, database, keys), server):
        await server.say(said)
        await _heard(server, database, "PJSIP/once")
        assert await fates(database) == EXPECTED
        assert await published(database) == to_publish(PLANNED)
        await server.say(said)
        await _heard(server, database, "PJSIP/twice")
    await server.stop()
    assert await fates(database) == EXPECTED
    assert await published(database) == to_publish(PLANNED)
    assert await rows(database, "SELECT 1 FROM queue_agents WHERE state NOT IN ('ready', 'offline')") == []


async def test_the_day_shuffled_and_twice_by_the_route_is_the_same(database: Database, keys: Keys) -> None:
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    asked = Asked(app, keys)
    listener, now = Listener(), datetime.now(UTC)
    facts = [fact for block in say_day(PLANNED) for fact in listener.facts(block, now)]
    calls = _shuffled([fact for fact in facts if isinstance(fact, CallEventIn)])
    agents = _shuffled([fact for fact in facts if isinstance(fact, AgentEventIn)])
    fresh = 0
    for n in range(0, max(len(calls), len(agents)), 500):
        answer = await asked.post(
            "/v1/phone/events", "service", {"events": calls[n : n + 500], "agents": agents[n : n + 500]}
        )
        assert answer.status_code == 202, answer.text
        fresh += answer.json()["fresh"]
    assert fresh == len(calls) / 2
    assert await fates(database) == EXPECTED
    assert await published(database) == to_publish(PLANNED)
    assert await rows(database, "SELECT 1 FROM queue_agents WHERE state <> 'ready'") == []
    await app.state.service.database.close()


def _shuffled(facts: list[Any]) -> list[Any]:
    twice = [fact.model_dump(mode="json", exclude_none=True) for fact in facts] * 2
    random.Random(5).shuffle(twice)
    return twice
