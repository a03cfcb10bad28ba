"""Routing on PostgreSQL, with reports of one matter."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from common.db import Transaction
from common.events import Kind, MessageReceived, Place
from common.sealed import Sealer
from routing.app import create_app
from routing.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, a_message, service_settings
from tests.integration.http import Asked
from tests.integration.test_routing import Routing
from tests.unit.test_duplicates import LON, north

POTHOLE = "چاله بزرگی وسط خیابان هست، لطفا آسفالت کنید"
IN_OTHER_WORDS = "سلام، جلوی پلاک ۱۲ یه گودال بزرگ باز شده، لطفا آسفالت کنید"
URGENT = "چاله عمیق وسط خیابان، بچه‌ای داخل چاله افتاده و گیر کرده، فوری کمک بفرستید"
VAGUE = "لطفا رسیدگی کنید، سه بار زنگ زدم و کسی نیامد"
CHILDS_EVENTS = ["case.opened.v1", "joined", "case.moved.v1", "done"]


def a_report(text: str = POTHOLE, *, metres: float = 0, **given: Any) -> MessageReceived:
    """A pothole, so many metres to the north of the point of all tests."""
    usual: dict[str, Any] = {"topic": "TC-POTHOLE", "kind": Kind.REQUEST, "place": Place(lat=north(metres), lon=LON)}
    return a_message(text=text, **usual | given)


class Wired(Routing):
    """Routing, with what these facts are about."""

    async def register(self, tx: Transaction, *messages: MessageReceived) -> None:
        await self._register(messages, tx)

    async def read(self, query: str, *arguments: object) -> list[Any]:
        async with self.database.transaction() as tx:
            return [tuple(row.values()) for row in await tx.fetch(query, *arguments)]

    async def parents(self, *messages: MessageReceived) -> list[str | None]:
        return [(await self.case(message.code))["parent"] for message in messages]

    async def finish(self, code: str) -> str:
        """Answer an open case."""
        await self.step(code, "work-orders", {})
        await self.step(code, "findings", {"finding": "actionable"})
        return await self.step(code, "completions", {"outcome": "چاله ترمیم شد"})


@pytest.fixture
async def routing(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Wired]:
    database = await a_database(postgres, "routing", database_name)
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    made = Wired(database, Asked(app, keys), Sealer.from_file(keys.seal_keys))
    for rulebook in (made.rulebook, app.state.rulebook):
        await rulebook.refresh(database, datetime.now(UTC))
    yield made
    await app.state.service.database.close()
    await database.close()


async def a_family(routing: Wired, children: int = 1) -> list[MessageReceived]:
    """A parent, and its children from a later batch."""
    messages = [a_report(), *(a_report(IN_OTHER_WORDS, metres=n % 20) for n in range(children))]
    await routing.receive(messages[0])
    await routing.receive(*messages[1:])
    return messages
