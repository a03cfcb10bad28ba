"""Listening to an exchange: who listens, what a silence leaves behind, and what cannot be understood."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from common.db import Database
from common.sealed import Sealer
from intake.channels.phone.agents import record_agents
from intake.channels.phone.calls import record_calls
from intake.channels.phone.lost import lose_old
from intake.channels.phone.queue_state import AgentState, QueueState, queue_states
from intake.channels.phone.schemas import AgentEventIn, CallEventIn
from intake.channels.phone.states import Moment
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.ami_server import AmiServer, Block
from tests.builders import a_database
from tests.integration.exchanges import a_listener, fates, listening, rows, until
from tests.integration.http import beside

QUEUE = "137"


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    made = AmiServer(queues=[QUEUE])
    await made.start()
    yield made
    await made.stop()


def joins(call_id: str, number: str = "09121234567") -> Block:
    about = {"Queue": QUEUE, "Linkedid": call_id, "Uniqueid": call_id, "CallerIDNum": number}
    return {"Event": "QueueCallerJoin"} | about


def member(agent: str, status: str = "1", paused: str = "0") -> Block:
    return {"Queue": QUEUE, "Location": f"PJSIP/{agent}", "Status": status, "Paused": paused, "InCall": "0"}


def entry(call_id: str, wait: int) -> Block:
    return {"Queue": QUEUE, "Uniqueid": call_id, "Wait": str(wait), "CallerIDNum": "09121234567"}


async def state(database: Database) -> QueueState:
    async with database.transaction() as tx:
        [found] = await queue_states(tx, datetime.now(UTC))
    return found


async def test_after_a_silence_the_queue_is_what_the_exchange_says(
    database: Database, keys: Keys, server: AmiServer
) -> None:
    server.members = [member("401"), member("402", status="2")]
    async with listening(a_listener(server, database, keys), server):
        await server.say([joins("stays"), joins("goes")])
        await until(lambda: rows(database, "SELECT 1 FROM calls WHERE call_id = 'goes'"))
        assert (await state(database)).waiting == 2
        await server.stop()
        server.members = [member("402", paused="1")]
        server.entries = [entry("stays", 90), entry("came", 30)]
        await server.start()
        await until(lambda: rows(database, "SELECT 1 FROM calls WHERE call_id = 'came'"))
        await until(lambda: rows(database, "SELECT 1 FROM calls WHERE lost_at IS NOT NULL"))
    outcomes = {call_id: row[0] for call_id, row in (await fates(database)).items()}
    assert outcomes["goes"] == "lost"
    now = await state(database)
    assert (now.waiting, now.agents) == (2, {AgentState.OFFLINE: 1, AgentState.PAUSED: 1})
    assert 29 < now.longest_wait_seconds < 90
    [event] = await rows(database, "SELECT body FROM outbox WHERE key = 'goes' ORDER BY id DESC LIMIT 1")
    assert '"ended"' in event["body"]
    assert '"lost":true' in event["body"]


async def test_what_was_heard_before_a_silence_is_compared_too(
    database: Database, keys: Keys, server: AmiServer
) -> None:
    exchange = a_listener(server, database, keys)
    joined = CallEventIn(call_id="gone", queue=QUEUE, event=Moment.JOINED, at=datetime.now(UTC))
    await exchange.take([joined])  # and the connection broke before it was stored
    async with listening(exchange, server):
        await until(lambda: rows(database, "SELECT 1 FROM calls WHERE lost_at IS NOT NULL"), seconds=20)
    assert (await fates(database))["gone"][0] == "lost"


async def test_one_replica_listens_and_another_takes_over(database: Database, keys: Keys, server: AmiServer) -> None:
    first, second = a_listener(server, database, keys), a_listener(server, database, keys)

    async def taken_over() -> bool:
        return second.connected and server.logins == 2

    async with AsyncExitStack() as stack:
        async with listening(first, server):
            await stack.enter_async_context(beside(second.run()))
            await server.say([joins("heard-once")])
            await until(lambda: rows(database, "SELECT 1 FROM calls"))
            assert (server.logins, second.connected) == (1, False)
        await until(taken_over)
        await server.say([joins("heard-too")])
        await until(lambda: rows(database, "SELECT 1 FROM calls WHERE call_id = 'heard-too'"))
    assert len(await rows(database, "SELECT 1 FROM outbox")) == 3  # the first, lost to the list, and the second


async def test_a_refused_login_is_tried_again_and_nothing_else(
    database: Database, keys: Keys, server: AmiServer
) -> None:
    async def refused_twice() -> bool:
        return server.refused >= 2

    exchange = a_listener(server, database, keys, secret="wrong")
    async with beside(exchange.run()):
        await until(refused_twice)
        assert not exchange.connected
    assert set(server.asked) == {"Login"}


async def test_what_makes_no_sense_is_passed_over(database: Database, keys: Keys, server: AmiServer) -> None:
    server.entries = [{"Queue": QUEUE}, {**entry("odd", 1), "Wait": "long"}]
    server.members = [{"Queue": QUEUE}]
    async with listening(a_listener(server, database, keys), server):
        await server.say([{"Event": "QueueCallerJoin"}, joins("two words"), {"Event": "Hangup"}, {"Odd": "1"}])
        await server.say([joins("sane", number="unknown")])
        await until(lambda: rows(database, "SELECT 1 FROM calls"))
    assert set(await fates(database)) == {"sane"}


async def test_a_join_whose_end_nobody_told_is_lost_after_its_time(database: Database, keys: Keys) -> None:
    now, sealer = datetime.now(UTC), Sealer.from_file(keys.seal_keys)
    old, new = (
        CallEventIn(call_id=call_id, queue=QUEUE, event=Moment.JOINED, at=now - timedelta(hours=hours))
        for call_id, hours in (("old", 3), ("new", 1))
    )
    async with database.transaction() as tx:
        await record_calls([old, new], tx, now=now, sealer=sealer)
    assert await lose_old(database, sealer, now, timedelta(hours=2)) == 1
    assert await lose_old(database, sealer, now, timedelta(hours=2)) == 0
    assert {call_id: row[0] for call_id, row in (await fates(database)).items()}["old"] == "lost"
    assert (await state(database)).waiting == 1


async def test_a_call_that_is_handed_on_waits_again_in_its_new_queue(database: Database, keys: Keys) -> None:
    now, sealer = datetime.now(UTC), Sealer.from_file(keys.seal_keys)
    moments = [(QUEUE, Moment.JOINED, 300), (QUEUE, Moment.ANSWERED, 290), (QUEUE, Moment.ENDED, 60)]
    moments += [("second", Moment.JOINED, 50)]
    calls = [
        CallEventIn(call_id="c", queue=queue, event=moment, at=now - timedelta(seconds=ago))
        for queue, moment, ago in moments
    ]
    for call in reversed(calls):
        async with database.transaction() as tx:
            await record_calls([call], tx, now=now, sealer=sealer)
    async with database.transaction() as tx:
        [found] = await queue_states(tx, now)
    assert (found.queue, found.waiting, found.longest_wait_seconds) == ("second", 1, 50.0)


async def test_the_last_word_on_an_agent_counts_whenever_it_comes(database: Database) -> None:
    now = datetime.now(UTC)
    said = [
        AgentEventIn(queue=QUEUE, agent="401", state=state, at=now - timedelta(seconds=ago))
        for state, ago in ((AgentState.BUSY, 10), (AgentState.READY, 5), (AgentState.RINGING, 20))
    ]
    for event in said:
        async with database.transaction() as tx:
            await record_agents([event], tx)
    assert (await state(database)).agents == {AgentState.READY: 1}


async def test_connections_that_break_cost_no_event(database: Database, keys: Keys, server: AmiServer) -> None:
    async def heard_again() -> bool:
        return server.logins == 2 and server.asked.count("QueueStatus") == 2

    server.entries = [entry("before", 5)]
    async with listening(a_listener(server, database, keys), server):
        await until(lambda: rows(database, "SELECT 1 FROM calls WHERE call_id = 'before'"))
        await rows(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()",
        )
        await server.say([joins("during")])
        server.entries.append(entry("during", 1))
        await until(heard_again)
        await server.say([joins("after")])
        await until(lambda: rows(database, "SELECT 1 FROM calls WHERE call_id = 'after'"))
    assert set(await fates(database)) == {"before", "during", "after"}
    assert (await state(database)).waiting == 3


async def test_what_cannot_be_stored_is_left_out_alone(database: Database, keys: Keys, server: AmiServer) -> None:
    exchange, now = a_listener(server, database, keys), datetime.now(UTC)
    facts = [
        CallEventIn.model_construct(call_id=call_id, queue=QUEUE, event=Moment.JOINED, at=now)
        for call_id in ("one", "t\x00wo", "three")
    ]
    await exchange.take(facts)
    await exchange.flush()
    assert set(await fates(database)) == {"one", "three"}
