"""Intake with every messenger's webhook set, asked as the platforms ask."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from common.app import Service
from common.db import Database
from fastapi import FastAPI
from intake.app import create_app
from intake.channels.meta.signature import signature
from intake.channels.sms.beside import Inbox
from intake.settings import Settings
from workbench.keys import Keys

from tests import payloads
from tests.builders import service_settings
from tests.integration.http import beside

SECRETS = {
    "rubika_secrets": ["the-secret-that-was-here-before", payloads.SECRET],
    "sms_secrets": [payloads.SECRET],
    "bale_secrets": [payloads.SECRET],
    "telegram_bots": {"pasokh": (payloads.SECRET,)},
    "meta_app_secrets": [payloads.APP_SECRET],
    "meta_verify_token": payloads.VERIFY_TOKEN,
}


class Platforms:
    """Posts what platforms post, and looks at what was left behind."""

    def __init__(self, app: FastAPI, database: Database) -> None:
        service: Service = app.state.service
        self.app = app
        self.database = database
        self.sealer = service.sealer
        self.inbox: Inbox = app.state.sms
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake")

    async def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        """Post a body as it is."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._client.post(path, content=body, headers={"Content-Type": "application/json"} | named)

    async def get(self, path: str, **query: str) -> httpx.Response:
        """Get with a query."""
        return await self._client.get(path, params=query)

    async def rubika(self, document: Any, *, name: str = "/receiveUpdate") -> httpx.Response:
        """As Rubika."""
        return await self.post(f"/v1/social/rubika/{payloads.SECRET}{name}", payloads.body(document))

    async def meta(self, document: Any, *, path: str = "whatsapp") -> httpx.Response:
        """As Meta, signed."""
        body = payloads.body(document)
        header = "sha256=" + signature(body, payloads.APP_SECRET)
        return await self.post(f"/v1/social/{path}", body, X_Hub_Signature_256=header)

    async def sms(self, form: bytes) -> httpx.Response:
        """As Kavenegar."""
        media = "application/x-www-form-urlencoded"
        return await self.post(f"/v1/social/sms/{payloads.SECRET}", form, Content_Type=media)

    async def rows(self, query: str) -> list[Any]:
        """Rows of the database."""
        async with self.database.transaction() as tx:
            return await tx.fetch(query)

    async def texts(self) -> list[str]:
        """The texts of the messages, in order of receipt."""
        return [row["text"] for row in await self.rows("SELECT text FROM messages ORDER BY received_at, text")]

    async def events(self) -> list[str]:
        """Names of the events, in order."""
        return [row["name"] for row in await self.rows("SELECT name FROM outbox ORDER BY id")]

    async def inspected(self) -> list[str]:
        """Why payloads were kept for inspection."""
        return [row["reason"] for row in await self.rows("SELECT reason FROM inspected ORDER BY id")]


@contextlib.asynccontextmanager
async def platforms_of(database: Database, keys: Keys, **settings: Any) -> AsyncIterator[Platforms]:
    """Intake on a database, its conversations committing."""
    given = service_settings(database.address, keys) | SECRETS | settings
    app = create_app(Settings.model_construct(None, **given))
    conversations: Any = app.state.conversations
    async with beside(conversations.run(), app.state.sms.run()):
        yield Platforms(app, database)
    await app.state.service.database.close()
