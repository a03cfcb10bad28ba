"""Each of intake's three deployables serves its own channel, whatever the others have."""

from collections.abc import AsyncIterator

import pytest
from common.db import Database
from intake.app import create_app
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside

BODIES = {
    "app": {"text": "چاله"},
    "phone": {"text": "چاله", "phone": "09121234567"},
    "social": {"platform": "bale", "user_id": "7", "message_id": "1", "text": "چاله"},
}
ROLES = {"app": "app", "phone": "operator", "social": "bot"}
WEBHOOK = "/v1/social/bale/a-secret-that-nobody-set"


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.mark.parametrize("channel", BODIES)
async def test_a_deployable_takes_its_channel_and_knows_no_other(database: Database, keys: Keys, channel: str) -> None:
    settings = service_settings(database.address, keys) | {"channels": channel}
    app = create_app(Settings.model_construct(None, **settings))
    asked = Asked(app, keys)
    async with beside(app.state.reception._accept.run()):
        answers = {name: await asked.post(f"/v1/{name}/messages", ROLES[name], body) for name, body in BODIES.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == {
        name: 202 if name == channel else 404 for name in BODIES
    }
    assert (await asked.post(WEBHOOK, "bot", {})).status_code == (401 if channel == "social" else 404)
    assert (await asked.get("/v1/inspections", "supervisor")).json() == {"items": [], "next_cursor": None}
    code = answers[channel].json()["code"]
    assert (await asked.get(f"/v1/messages/{code}/attachments", "supervisor")).json()["items"] == []
    await app.state.service.database.close()
