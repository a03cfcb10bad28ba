"""Who was called back, and who was offered what, is forgotten after a month; what is still promised is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from common.db import Database
from common.sealed import Sealer
from intake.channels.phone.keeping import KEEP, keep_once
from intake.channels.phone.overflow_models import Callback, Decision
from intake.channels.phone.ways import Ways
from intake.models import table
from intake.settings import Settings
from workbench.keys import Keys

from tests.builders import service_settings
from tests.integration.test_callbacks_by_night import database as database

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
OLD, YOUNG = NOW - KEEP - timedelta(seconds=1), NOW - KEEP


def a_decision(call_id: str, asked_at: datetime) -> dict[str, Any]:
    row = {"call_id": call_id, "queue": "137", "mobile": True, "estimate_seconds": 200.0, "at_most_seconds": 300.0}
    return row | {"options": ["wait"], "asked_at": asked_at}


def a_callback(call_id: str, asked_at: datetime, *, closed_at: datetime | None) -> dict[str, Any]:
    row = {"call_id": call_id, "queue": "137", "caller": "sealed", "caller_lookup": "hash", "mobile": True, "misses": 0}
    moments = {"asked_at": asked_at, "promised_at": NOW, "due_at": NOW, "changed_at": NOW, "closed_at": closed_at}
    return row | moments | {"state": "closed" if closed_at else "planned"}


async def test_what_is_over_for_a_month_is_forgotten(database: Database, keys: Keys) -> None:
    settings = Settings.model_construct(None, **service_settings(database.address, keys))
    ways = Ways.of(settings, Sealer.from_file(keys.seal_keys))
    callbacks = [
        a_callback("old", OLD, closed_at=OLD),
        a_callback("open", OLD, closed_at=None),
        a_callback("young", YOUNG, closed_at=YOUNG),
    ]
    async with database.transaction() as tx:
        tx.session.add_all([Decision(**a_decision("old", OLD)), Decision(**a_decision("young", YOUNG))])
        await tx.insert(table(Callback), callbacks)
    assert await keep_once(database, ways, NOW) == 0
    async with database.transaction() as tx:
        kept = await tx.fetch("SELECT 'd' AS of, call_id FROM decisions UNION ALL SELECT 'c', call_id FROM callbacks")
    assert sorted(map(tuple, kept)) == [("c", "open"), ("c", "young"), ("d", "young")]
