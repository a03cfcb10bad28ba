"""Intake as the messengers' webhooks see it, and what it stored."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
from common.app import Service
from common.db import Database
from intake.app import create_app
from intake.conversation.conversations import Conversations
from intake.settings import Settings
from workbench.keys import Keys

from tests.builders import service_settings
from tests.integration.http import beside

TELEGRAM_SECRET = "telegram-secret-of-a-test"
BALE_SECRETS = ("bale-secret-of-a-test", "bale-secret-that-follows")
HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Messengers:
    """Posts as the platforms do."""

    def __init__(self, database: Database, keys: Keys, **settings: Any) -> None:
        bots: dict[str, tuple[str, ...]] = {"pasokh": (TELEGRAM_SECRET, "telegram-secret-that-follows")}
        usual = {"telegram_bots": bots, "bale_secrets": list(BALE_SECRETS)}
        given = service_settings(database.address, keys) | usual | settings
        self.settings = Settings.model_construct(None, **given)
        self.app = create_app(self.settings)
        self.database = database
        self.service: Service = self.app.state.service
        self.conversations: Conversations = self.app.state.conversations
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://intake")

    async def telegram(
        self, update: Any, secret: str = TELEGRAM_SECRET, *, bot: str = "pasokh", **headers: str
    ) -> httpx.Response:
        """An update, as bytes, text or a document."""
        sent = {HEADER: secret} | headers
        return await self.client.post(f"/v1/social/telegram/{bot}", content=_body(update), headers=sent)

    async def bale(self, update: Any, secret: str = BALE_SECRETS[0]) -> httpx.Response:
        """The same from Bale."""
        return await self.client.post(f"/v1/social/bale/{secret}", content=_body(update))

    async def until(self, moment: datetime) -> int:
        """Let what is due by then be accepted."""
        return await self.conversations.accept_due(moment)

    async def messages(self) -> list[Any]:
        """Messages, the oldest first."""
        return await self.rows("SELECT * FROM messages ORDER BY received_at, code")

    async def files(self) -> list[tuple[str, str, str]]:
        """Code, platform and reference of the files that were noted."""
        rows = await self.rows("SELECT code, platform, reference FROM attachments ORDER BY code, position")
        return [(row["code"], row["platform"], self.service.sealer.open(row["reference"])) for row in rows]

    async def events(self, name: str) -> list[dict[str, Any]]:
        """Bodies of the published events of a name, in order."""
        rows = await self.rows(f"SELECT body FROM outbox WHERE name = '{name}' ORDER BY id")
        return [orjson.loads(row["body"]) for row in rows]

    async def prompts(self) -> list[str]:
        """What citizens were asked and told."""
        return [event["prompt"] for event in await self.events("prompt.requested.v1")]

    async def rows(self, query: str) -> list[Any]:
        """Rows of a query."""
        async with self.database.transaction() as tx:
            return await tx.fetch(query)


@contextlib.asynccontextmanager
async def messengers(database: Database, keys: Keys, **settings: Any) -> AsyncIterator[Messengers]:
    """An intake whose conversations run."""
    made = Messengers(database, keys, **settings)
    async with beside(made.conversations.run()):
        yield made
    await made.client.aclose()
    await made.service.database.close()


def now() -> datetime:
    """UTC, whole seconds, as the platforms count."""
    return datetime.now(UTC).replace(microsecond=0)


def _body(update: Any) -> bytes:
    if isinstance(update, bytes):
        return update
    return update.encode() if isinstance(update, str) else orjson.dumps(update)
