"""An exchange that intake listens to, and what its tables then say."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from common.db import Database
from common.health import Pulse
from common.sealed import Sealer
from intake.channels.phone.exchange import Exchange, Login
from workbench.keys import Keys

from tests.ami_server import SECRET, USER, AmiServer
from tests.call_day import Fate
from tests.integration.http import beside


def a_listener(server: AmiServer, database: Database, keys: Keys, *, secret: str = SECRET) -> Exchange:
    """A replica's listening, not yet begun."""
    login = Login(server.address, USER, secret)
    return Exchange(login, database, Sealer.from_file(keys.seal_keys), Pulse("ami"))


@asynccontextmanager
async def listening(exchange: Exchange, server: AmiServer) -> AsyncIterator[Exchange]:
    """While it listens; begins when the queues were compared once."""
    async with beside(exchange.run()):
        await until(lambda: _is(exchange.connected and "QueueStatus" in server.asked))
        yield exchange


async def _is(fact: bool) -> bool:
    return fact


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 120) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)


async def rows(database: Database, query: str, *arguments: object) -> list[Any]:
    """What a query finds."""
    async with database.transaction() as tx:
        return await tx.fetch(query, *arguments)


async def fates(database: Database) -> dict[str, tuple[Any, ...]]:
    """What the table says of every call."""
    query = """
    SELECT *, CASE WHEN answered_at IS NOT NULL THEN 'answered' WHEN abandoned_at IS NOT NULL THEN 'abandoned'
                   WHEN lost_at IS NOT NULL THEN 'lost' ELSE 'left' END AS outcome FROM calls
    """
    return {
        row["call_id"]: (row["outcome"], row["joined_at"], row["answered_at"], row["agent"], row["queue"])
        for row in await rows(database, query)
    }


def as_told(fate: Fate) -> tuple[Any, ...]:
    """The same of a call as it was planned."""
    answered = fate.gone_at if fate.agent else None
    return (fate.outcome, fate.joined_at, answered, fate.agent, "137")


async def published(database: Database) -> Counter[tuple[str, str]]:
    """How often each event of each call goes out, by call and event."""
    found = await rows(database, "SELECT key, body FROM outbox WHERE name = 'call.changed.v1'")
    return Counter((row["key"], orjson.loads(row["body"])["event"]) for row in found)


def to_publish(planned: list[Fate]) -> Counter[tuple[str, str]]:
    """What must go out, each once."""
    outcomes = {"answered": ("joined", "offered", "answered", "ended"), "abandoned": ("joined", "abandoned")}
    return Counter(
        (fate.call_id, event) for fate in planned for event in outcomes.get(fate.outcome, ("joined", "ended"))
    )
