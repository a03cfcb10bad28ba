"""Intake's and routing's apps with their databases, as the Tehran Man app meets them; Kafka is a call of `pass_on`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from common.db import Database
from common.events import BY_NAME, MessageReceived, ReplyReceived
from intake.app import create_app
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside
from tests.integration.open311 import served
from tests.integration.test_routing import Routing, a_routing

_EVENTS = "SELECT id, at, name, body::jsonb AS body FROM outbox WHERE stream LIKE 'messages%' ORDER BY id"
POINT: dict[str, Any] = {"lat": 35.7219, "lon": 51.3347}
POTHOLE = "چاله بزرگی وسط خیابان هست، لطفا آسفالت کنید"


@dataclass
class AppCity:
    """What a citizen posts and sees, and what staff do meanwhile."""

    asked: Asked
    intake: Database
    routing: Routing
    passed: set[UUID] = field(default_factory=set)

    async def post(self, who: str = "app", **given: Any) -> str:
        """The code of a message about a pothole."""
        body = {"text": POTHOLE, "topic": "TC-POTHOLE", "kind": "request", "place": POINT} | given
        answer = await self.asked.post("/v1/app/messages", who, body)
        assert answer.status_code == 202, answer.text
        code: str = answer.json()["code"]
        return code

    async def pass_on(self) -> None:
        """Let routing handle what intake stored since the last time."""
        rows = [row for row in await self.rows(_EVENTS) if row["id"] not in self.passed]
        self.passed |= {row["id"] for row in rows}
        for row in rows:
            event = BY_NAME[row["name"]].model_validate(row["body"] | {"id": row["id"], "at": row["at"]})
            if isinstance(event, MessageReceived):
                await self.routing.receive(event)
            elif isinstance(event, ReplyReceived):
                await self.routing.hear(event)

    async def answered(self, code: str, outcome: str = "چاله پر شد") -> None:
        """Staff do the work."""
        await self.routing.step(code, "work-orders", {"note": "یادداشت درون‌سازمانی"})
        await self.routing.step(code, "findings", {"finding": "actionable", "note": "یادداشت درون‌سازمانی"})
        assert await self.routing.step(code, "completions", {"outcome": outcome}) == "answered"

    async def get(self, path: str, who: str = "app", **query: Any) -> Any:
        """What the app is shown."""
        answer = await self.asked.get(f"/v1/app/{path}", who, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def feedback(self, code: str, who: str = "app", key: str | None = None, **body: Any) -> httpx.Response:
        """What came of a feedback."""
        headers = {"Idempotency_Key": key} if key else {}
        return await self.asked.post(f"/v1/app/messages/{code}/feedback", who, body, **headers)

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        """Of intake's database."""
        async with self.intake.transaction() as tx:
            return await tx.fetch(query, *arguments)


@asynccontextmanager
async def an_app_city(postgres: Postgres, name: str, keys: Keys, *, routing_is_there: bool) -> AsyncIterator[AppCity]:
    """Both services; routing answers intake over HTTP, or is away."""
    async with AsyncExitStack() as stack:
        routing = await stack.enter_async_context(a_routing(postgres, f"{name}_routing", keys))
        address = (
            await stack.enter_async_context(served(routing.asked.app)) if routing_is_there else "http://127.0.0.1:9"
        )
        database = await a_database(postgres, "intake", f"{name}_intake")
        given = service_settings(database.address, keys) | {"routing_url": address, "routing_token": keys.service_token}
        app = create_app(Settings.model_construct(None, **given))
        accept: Any = app.state.reception
        await stack.enter_async_context(beside(accept._accept.run()))
        yield AppCity(Asked(app, keys), database, routing)
        await app.state.topics.close()
        await app.state.routing.close()
        await app.state.service.database.close()
        await database.close()
