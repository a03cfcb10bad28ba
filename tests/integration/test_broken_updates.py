"""Whatever a platform sends: 200, so that it is not sent for ever, and never an error of ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database
from tests.integration.messengers import Messengers, messengers

FIELDS = (
    "message_id date chat id type from is_bot text caption photo file_id width voice document location latitude"
    " longitude contact phone_number user_id sticker"
).split()
MESSAGE = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "text": "چاله"}
NUMBERS = st.integers() | st.integers(-3, 3) | st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)
CHANGED = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6).map(lambda wrong: MESSAGE | wrong)
KINDS = st.sampled_from(["message", "edited_message", "callback_query", "channel_post"])
UPDATES = st.fixed_dictionaries({"update_id": NUMBERS}) | st.builds(
    lambda number, kind, content: {"update_id": number, kind: content}, st.integers(), KINDS, VALUES | CHANGED
)
BODIES = st.binary(max_size=200) | UPDATES.map(lambda update: json.dumps(update).encode("utf-8", "surrogatepass"))


@pytest.fixture
async def bots(postgres: Postgres, keys: Keys, database_name: str) -> AsyncIterator[Messengers]:
    database = await a_database(postgres, "intake", database_name)
    async with messengers(database, keys) as made:
        yield made
    await database.close()


async def test_a_thousand_bodies_are_all_taken(bots: Messengers) -> None:
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    async def both(body: bytes) -> list[Any]:
        return list(await asyncio.gather(bots.telegram(body), bots.bale(body)))

    @given(BODIES)
    @settings(max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(body: bytes) -> None:
        for answer in asyncio.run_coroutine_threadsafe(both(body), loop).result():
            seen.append(answer.status_code)
            assert answer.status_code == 200, body

    await asyncio.to_thread(ask)
    assert len(seen) >= 1000
    reasons = {row["reason"] for row in await bots.rows("SELECT DISTINCT reason FROM inspected")}
    assert len(reasons) > 3
    assert [reason for reason in reasons if ": " not in reason] == []  # none of them failed on its way to a table
