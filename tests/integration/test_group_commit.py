"""A group commit and another replica on one database."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from common.db import Database, Transaction
from common.group_commit import GroupCommit
from common.health import Health
from common.idempotency import First, digest, first_answers, remember
from workbench.postgres import Postgres

from tests.builders import a_database
from tests.integration.http import beside

KEY = digest("a client", "its key")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


async def answer_once(items: Sequence[str], tx: Transaction) -> list[str]:
    """What was answered to the key, or this."""
    if before := await first_answers([KEY], tx):
        return [str(before[KEY].answer["by"]) for _ in items]
    await remember({KEY: First(None, {"by": items[0]})}, tx)
    return list(items)


async def somebody_waits(database: Database) -> None:
    async with asyncio.timeout(20):
        while True:
            async with database.transaction() as tx:
                if await tx.fetchval(WAITING):
                    return
            await asyncio.sleep(0.01)


async def test_who_asks_alone_while_another_replica_answers_the_same_key_gets_its_answer(database: Database) -> None:
    commit = GroupCommit(database, answer_once, pulse=Health().pulse("group commit"), most_waiting=10)
    async with beside(commit.run()):
        async with database.transaction() as theirs:
            await answer_once(["the other replica"], theirs)
            asking = asyncio.create_task(commit("this replica"))
            await somebody_waits(database)
        assert await asking == "the other replica"
