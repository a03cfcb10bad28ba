"""The state of the queues is the same whatever order the events come in, and however often."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from common.db import Database
from common.sealed import Sealer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake.channels.phone.agents import record_agents
from intake.channels.phone.calls import record_calls
from intake.channels.phone.queue_state import QueueState, queue_states
from intake.channels.phone.schemas import AgentEventIn, CallEventIn
from intake.channels.phone.states import AgentState, Moment
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_database

Facts = Sequence[CallEventIn | AgentEventIn]
_at = st.integers(-120, 0).map(lambda seconds: NOW + timedelta(seconds=seconds))
_queues = st.sampled_from(["137", "second"])
_calls = st.builds(
    CallEventIn,
    call_id=st.sampled_from(["a", "b", "c"]),
    queue=_queues,
    event=st.sampled_from(Moment),
    at=_at,
    agent=st.sampled_from([None, "401", "402"]),
)
_agents = st.builds(
    AgentEventIn, queue=_queues, agent=st.sampled_from(["401", "402"]), state=st.sampled_from(AgentState), at=_at
)


def _identity(fact: CallEventIn | AgentEventIn) -> tuple[object, ...]:
    """What makes an event the same one: with these the same, it counts once."""
    if isinstance(fact, CallEventIn):
        return fact.call_id, fact.event, fact.at
    return fact.queue, fact.agent, fact.state, fact.at


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), facts=st.lists(_calls | _agents, min_size=1, max_size=25, unique_by=_identity))
async def test_any_order_and_any_repetition_give_the_same_queues(
    database: Database, keys: Keys, data: st.DataObject, facts: list[CallEventIn | AgentEventIn]
) -> None:
    again = data.draw(st.permutations(facts + facts[: data.draw(st.integers(0, len(facts)))]), label="as it came")
    size = data.draw(st.integers(1, 7), label="at a time")
    sealer = Sealer.from_file(keys.seal_keys)
    at_once = await _recorded(database, sealer, [facts])
    in_pieces = await _recorded(database, sealer, [again[n : n + size] for n in range(0, len(again), size)])
    assert in_pieces == at_once


async def _recorded(
    database: Database, sealer: Sealer, batches: Sequence[Facts]
) -> tuple[list[QueueState], list[dict[str, Any]]]:
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE calls, call_moments, queue_agents")
    for batch in batches:
        async with database.transaction() as tx:
            await record_calls([f for f in batch if isinstance(f, CallEventIn)], tx, now=NOW, sealer=sealer)
            await record_agents([f for f in batch if isinstance(f, AgentEventIn)], tx)
    async with database.transaction() as tx:
        calls = await tx.fetch("SELECT * FROM calls ORDER BY call_id")
        return await queue_states(tx, NOW), [dict(call) for call in calls]


async def test_writers_of_the_same_events_in_other_orders_wait_for_each_other_and_no_more(
    database: Database, keys: Keys
) -> None:
    sealer = Sealer.from_file(keys.seal_keys)
    said = [
        CallEventIn(call_id="c", queue="137", event=moment, at=NOW)
        for moment in (Moment.ABANDONED, Moment.LEFT, Moment.ENDED)
    ]
    async with database.transaction() as tx:  # both come to this one, and one of them goes first
        await record_calls([said[1]], tx, now=NOW, sealer=sealer)
        writers = [asyncio.create_task(_recorded_once(database, sealer, facts)) for facts in (said, said[::-1])]
        await _held_up(database, len(writers))
    assert sum(await asyncio.gather(*writers)) == 2


async def _recorded_once(database: Database, sealer: Sealer, facts: Sequence[CallEventIn]) -> int:
    async with database.transaction() as tx:
        return await record_calls(facts, tx, now=NOW, sealer=sealer)


async def _held_up(database: Database, count: int) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while True:
            async with database.transaction() as tx:
                if await tx.fetchval(query) == count:
                    return
            await asyncio.sleep(0.02)
