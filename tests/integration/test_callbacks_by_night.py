"""Citizens are rung up by day alone, also those whose callback nobody had time for."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from common.calendar import TEHRAN
from common.db import Database
from common.sealed import Sealer
from intake.channels.phone.callbacks import take_next, taking_over
from intake.channels.phone.overflow_models import Callback
from intake.channels.phone.ways import Ways
from intake.models import table
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings

EVENING = datetime(2026, 11, 24, 21, 59, tzinfo=TEHRAN)
NIGHT, MORNING = EVENING + timedelta(hours=5), EVENING + timedelta(hours=10, minutes=1)


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


async def test_nobody_is_rung_up_at_night_whose_callback_was_not_made_by_day(database: Database, keys: Keys) -> None:
    settings = Settings.model_construct(None, **service_settings(database.address, keys))
    ways = Ways.of(settings, Sealer.from_file(keys.seal_keys))
    row = {"call_id": "c", "queue": "137", "caller": "sealed", "caller_lookup": "hash", "mobile": True, "misses": 0}
    moments = dict.fromkeys(("asked_at", "promised_at", "due_at", "changed_at"), EVENING)
    async with database.transaction() as tx:
        await tx.insert(table(Callback), [row | moments | {"state": "planned"}])
        assert await taking_over(4, NIGHT, tx=tx, ways=ways) == 0
        assert await take_next("operator", NIGHT, tx=tx, ways=ways) is None
        taken = await take_next("operator", MORNING, tx=tx, ways=ways)
    assert taken is not None
    assert taken["call_id"] == "c"
