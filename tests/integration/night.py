"""A night of snow on routing's handler, its loops and its routes, with a database of its own."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from common.db import Database, Transaction
from common.events import Channel, Kind, MessageReceived, Place
from common.sealed import Sealer
from routing.announcing import announce_some
from routing.app import create_app, rulebook_of
from routing.city import City
from routing.classify import Classifier
from routing.decide import Decider
from routing.handlers import Register
from routing.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres
from workbench.simulator import Sent, normal_day, snow_night, snow_onset

from tests.builders import a_database, a_message, service_settings
from tests.integration.http import Asked

ONSET = snow_onset()
HOUR = timedelta(hours=1)
SNOW = ["TREE", "US-SALT", "US-SNOW"]


class Night:
    """Routing's handler of messages on a database, its loops by hand, and its routes."""

    def __init__(self, database: Database, asked: Asked, sealer: Sealer, decider: Decider) -> None:
        self.database, self.asked, self.sealer, self.decider = database, asked, sealer, decider
        self.rulebook = rulebook_of(decider.city)
        self.restart()

    def restart(self) -> None:
        """Forget what a process remembers."""
        self._register = Register(self.decider, self.rulebook).register_cases

    async def receive(self, messages: Sequence[MessageReceived], batch: int = 500) -> None:
        for start in range(0, len(messages), batch):
            async with self.database.transaction() as tx:
                await self._register(messages[start : start + batch], tx)

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        async with self.database.transaction() as tx:
            return [dict(row) for row in await tx.fetch(query, *arguments)]

    async def incidents(self) -> dict[str, Any]:
        """The rows by family."""
        return {row["family"]: row for row in await self.rows("SELECT * FROM incidents ORDER BY opened_at")}

    async def members(self, incident: UUID) -> list[str]:
        rows = await self.rows("SELECT code FROM cases WHERE incident = $1 ORDER BY NOT urgent, code", incident)
        return [row["code"] for row in rows]

    async def told(self, told: str) -> list[str]:
        """The codes of those who were told, in order, from the outbox."""
        query = "SELECT key FROM outbox WHERE stream = 'notifications.v1' AND body::json->>'told' = $1 ORDER BY id"
        return [row["key"] for row in await self.rows(query, told)]

    async def everything(self) -> list[list[Any]]:
        """All that a batch leaves."""
        tables = ("watches", "incidents", "cases", "outbox")
        return [await self.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]

    async def post(self, incident: UUID, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.asked.post(f"/v1/incidents/{incident}/{path}", "supervisor", body, **headers)

    async def get(self, incident: UUID) -> dict[str, Any]:
        answer = await self.asked.get(f"/v1/incidents/{incident}", "operator")
        assert answer.status_code == 200
        return dict(answer.json())

    async def announce_all(self) -> int:
        """Work off what is announced; the transactions that it took."""
        turns = 0
        while await announce_some(self.database, self.decider.city):
            turns += 1
        return turns


class Lost(Database):
    """A database that is killed just before each commit."""

    def __init__(self, database: Database) -> None:
        self._real = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._real.transaction() as tx:
            yield tx
            raise ConnectionError


@cache
def _decider() -> Decider:
    city = City.load()
    return Decider(city, Classifier.load(city.topics))


@asynccontextmanager
async def a_night(postgres: Postgres, name: str, keys: Keys) -> AsyncIterator[Night]:
    """Routing on a fresh database."""
    database = await a_database(postgres, "routing", name)
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    asked, sealer = Asked(app, keys), Sealer.from_file(keys.seal_keys)
    made = Night(database, asked, sealer, _decider())
    await made.rulebook.refresh(database, datetime.now(UTC))
    yield made
    await app.state.service.database.close()
    await database.close()


def written(sent: Iterable[Sent]) -> list[MessageReceived]:
    """Simulated messages as intake passes them on."""
    return [
        a_message(
            at=one.at,
            channel=Channel(one.channel),
            text=one.text,
            topic=one.topic,
            kind=Kind.REQUEST,
            place=Place(lat=one.lat, lon=one.lon),
            occurred_at=one.at,
            received_at=one.at,
        )
        for one in sent
    ]


def around_the_onset(seed: int) -> list[MessageReceived]:
    """An ordinary hour, and the first of the snow."""
    before = [one for one in normal_day(seed) if ONSET - HOUR <= one.at < ONSET]
    return written([*before, *(one for one in snow_night(seed) if one.at < ONSET + HOUR)])


def a_fall(count: int, *, start: datetime = ONSET, region: int = 5, **given: Any) -> list[MessageReceived]:
    """Messages about snow in one region, four a minute."""
    usual: dict[str, Any] = {"topic": "US-SNOW", "kind": Kind.REQUEST, "text": "برف", "place": Place(region=region)}
    times = [start + timedelta(seconds=15 * n) for n in range(count)]
    return [a_message(**usual | {"at": at, "occurred_at": at, "received_at": at} | given) for at in times]


async def an_incident(night: Night, count: int = 60, **given: Any) -> UUID:
    """One that is open, with so many members."""
    await night.receive(a_fall(count, **given))
    [row] = await night.rows("SELECT id FROM incidents WHERE closed_at IS NULL")
    found: UUID = row["id"]
    assert len(await night.members(found)) == count
    return found
