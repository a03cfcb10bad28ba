"""Intake and routing, both served on loopback by real apps, with GeoReport between them and whoever asks."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from common.db import Database
from common.events import MessageReceived, UrgentMessageReceived
from fastapi import FastAPI
from intake.app import create_app
from intake.settings import Settings
from workbench.keys import Keys
from workbench.ports import free_port
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import beside
from tests.integration.test_routing import Routing, a_routing

KEY = "a-key-that-the-city-gave"
POTHOLE = {"api_key": KEY, "service_code": "TC-POTHOLE", "lat": "35.7123456", "long": "51.4123456"}


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address of an app on loopback; its loops do not run."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@dataclass
class Open311:
    """GeoReport as the world sees it, and the two services behind it."""

    url: str
    client: httpx.AsyncClient
    intake: Database
    routing: Routing
    app: FastAPI

    async def get(self, path: str, accept: str = "*/*", **query: str) -> httpx.Response:
        """Get what is below `/open311/v2`."""
        return await self.client.get(f"{self.url}/{path}", params=query, headers={"Accept": accept})

    async def post(self, fields: dict[str, Any], path: str = "requests.json", **headers: str) -> httpx.Response:
        """Post a form."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(f"{self.url}/{path}", data=fields, headers=named)

    async def reported(self, **fields: str) -> str:
        """The id of a pothole that was just reported."""
        answer = await self.post(POTHOLE | fields)
        assert answer.status_code == 201, answer.text
        [made] = answer.json()
        return str(made["service_request_id"])

    async def hand_over(self) -> None:
        """What Kafka does: routing gets every message of intake's outbox."""
        query = "SELECT id, at, name, body::jsonb AS body FROM outbox ORDER BY id"
        async with self.intake.transaction() as tx:
            rows = await tx.fetch(query)
        kinds = {kind.name: kind for kind in (MessageReceived, UrgentMessageReceived)}
        events = [kinds[row["name"]].model_validate({"id": row["id"], "at": row["at"]} | row["body"]) for row in rows]
        await self.routing.receive(*events)

    def forget(self) -> None:
        """As if some seconds had passed."""
        desk = self.app.state.open311
        desk.pages._kept.clear()
        desk.requests.fresh._kept.clear()


def client_keys(folder: Path) -> Path:
    """A file of one client's key."""
    path = folder / "open311.json"
    path.write_text(json.dumps({"another-city": hashlib.sha256(KEY.encode()).hexdigest()}))
    return path


@asynccontextmanager
async def an_open311(postgres: Postgres, name: str, keys: Keys, folder: Path) -> AsyncIterator[Open311]:
    """Both services on fresh databases."""
    database = await a_database(postgres, "intake", f"{name}_intake")
    async with a_routing(postgres, name, keys) as routing, served(routing.asked.app) as routing_url:
        given = service_settings(database.address, keys) | {"routing_url": routing_url}
        given |= {"routing_token": keys.service_token, "open311_keys": client_keys(folder)}
        app = create_app(Settings.model_construct(None, **given))
        accept: Any = app.state.reception
        async with served(app) as url, beside(accept._accept.run()), httpx.AsyncClient(timeout=10) as client:
            yield Open311(f"{url}/open311/v2", client, database, routing, app)
        await app.state.topics.close()
        await app.state.routing.close()
        await app.state.service.database.close()
    await database.close()
