"""Routing's rules on a database of their own, asked over REST."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
from common.db import Database
from common.events import MessageReceived
from routing.app import create_app
from routing.decide import Decider
from routing.handlers import Register
from routing.rulebook import Rulebook
from routing.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked

NET = "\n- name: the rest by the topic\n  then: {unit: topic}\n"
TO_TRIAGE = "rules:\n- name: all to the desk\n  then: {unit: hq-triage}\n"


class Rules:
    """Routing's routes and its first handler, on one database and one rulebook."""

    def __init__(self, database: Database, asked: Asked, decider: Decider, rulebook: Rulebook) -> None:
        self.database, self.asked, self.decider, self.rulebook = database, asked, decider, rulebook
        self._register = Register(decider, rulebook).register_cases

    async def refresh(self) -> None:
        await self.rulebook.refresh(self.database, datetime.now(UTC))

    async def receive(self, *messages: MessageReceived) -> None:
        async with self.database.transaction() as tx:
            await self._register(messages, tx)

    async def add(self, yaml: str, who: str = "supervisor", *, key: str | None = None, **given: Any) -> httpx.Response:
        headers = {} if key is None else {"Idempotency_Key": key}
        body = {"yaml": yaml, "note": "تغییر آزمایشی", "based_on": 1} | given
        return await self.asked.post("/v1/rules", who, body, **headers)

    async def preview(self, yaml: str, last: int = 100, who: str = "supervisor") -> dict[str, Any]:
        answer = await self.asked.post("/v1/rules/preview", who, {"yaml": yaml, "last": last})
        assert answer.status_code == 200, answer.text
        previewed: dict[str, Any] = answer.json()
        return previewed

    async def in_force(self) -> dict[str, Any]:
        rules: dict[str, Any] = (await self.asked.get("/v1/rules", "staff:region-5")).json()
        return rules

    async def count(self) -> int:
        return len((await self.asked.get("/v1/rules/versions", "staff:region-5")).json()["items"])


@contextlib.asynccontextmanager
async def rules_on(postgres: Postgres, name: str, keys: Keys) -> AsyncIterator[Rules]:
    """A fresh database by its name, with the project's own rules in force."""
    database = await a_database(postgres, "routing", name)
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    made = Rules(database, Asked(app, keys), app.state.decider, app.state.rulebook)
    await made.refresh()
    yield made
    await app.state.service.database.close()
    await database.close()


def errors_of(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [(error["pointer"], error["detail"]) for error in answer.json()["errors"]]
