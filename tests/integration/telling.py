"""Notify with every means, against the sandbox: what is asked of it, and what reached citizens."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import uvicorn
from common.db import Database
from common.events import Channel, NotificationRequested, Prompt, PromptRequested, SealedAddress
from common.health import Pulse
from common.sealed import Sealer
from fastapi import FastAPI
from notify.courier import Courier
from notify.handlers import ask_with, store_requests_with
from notify.limits import Limits, Pace
from notify.post_office import PostOffice
from notify.prompts import Prompts
from notify.providers.app_webhook import AppWebhook
from notify.providers.bots import Bot
from notify.providers.kavenegar import Kavenegar
from notify.providers.meta import Graph
from notify.providers.outcome import Messenger
from notify.providers.rubika import Rubika
from notify.sender import Sender
from notify.words import Matrix
from workbench.ports import free_port
from workbench.sandbox.chats import ChatFaults, Chats, Told

from tests.builders import a_request, an_address

TOKEN = "137:workbench"
NUMBER = "+989121234567"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
QUICK = Limits(overall=1000, overall_burst=1000, chat=1000, chat_burst=1000)
_HURRY = """
UPDATE due SET due_at = now()
WHERE attempts = (SELECT coalesce(max(attempt), 0) FROM attempts AS a WHERE a.localid = due.localid)
"""


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """An app on a port of its own; its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:  # a test that failed would else wait for it for ever
        server.should_exit = True
        thread.join()


def messengers(url: str, limits: Limits = QUICK) -> list[Messenger]:
    """One of each, as quick as the sandbox."""

    def pace() -> Pace:
        return Pace(limits, time.monotonic())

    return [
        Bot("telegram", f"{url}/telegram/bot{TOKEN}", pace(), seconds=1),
        Bot("bale", f"{url}/bale/bot{TOKEN}", pace(), seconds=1),
        Bot("eitaa", f"{url}/eitaa/api/{TOKEN}", pace(), seconds=1, buttons=False),
        Rubika("rubika", f"{url}/rubika", TOKEN, pace(), seconds=1),
        Graph("whatsapp/137", f"{url}/whatsapp/137", TOKEN, pace(), seconds=1),
        Graph("instagram/137", f"{url}/instagram/137", TOKEN, pace(), seconds=1),
        AppWebhook(f"{url}/app/webhook", SECRET, pace(), seconds=1),
    ]


class Telling:
    """Notify's handlers, SMS sender and couriers on a database of their own."""

    def __init__(self, database: Database, sealer: Sealer, url: str, app: FastAPI) -> None:
        self.database, self.sealer, self.app, self.url = database, sealer, app, url
        self.made = messengers(url)
        self.provider = Kavenegar(url, "workbench", "1000137", seconds=1)
        self.sms = Sender(database, sealer, self.provider, Pulse("sms"))
        self.couriers = [Courier(database, sealer, one, Pulse(one.name)) for one in self.made]
        self.office = PostOffice(self.sms, self.couriers)
        self._store = store_requests_with(Matrix.load(), self.office)
        self._ask = ask_with(Prompts.load(), self.office)

    @property
    def chats(self) -> Chats:
        chats: Chats = self.app.state.chats
        return chats

    def fail(self, platform: str, **faults: Any) -> None:
        self.chats.faults[platform] = ChatFaults(**faults)

    def courier(self, name: str) -> Courier:
        return next(one for one in self.couriers if one.name == name)

    def address(self, chat: str, number: str | None = None) -> SealedAddress:
        """A chat, or the app's citizen; with a number where SMS is another way."""
        known = {"phone": self.sealer.seal(number), "phone_lookup": self.sealer.lookup(number)} if number else {}
        account = {"account": self.sealer.seal(chat), "account_lookup": self.sealer.lookup(f"here:{chat}")}
        return SealedAddress(**account, **known, sms=number is not None)

    def request(
        self, platform: str | None = "telegram", chat: str = "42", *, number: str | None = None, **given: Any
    ) -> NotificationRequested:
        """Something to tell on a messenger, or to the app where there is no platform."""
        channel = Channel.SOCIAL if platform else Channel.APP
        return a_request(channel=channel, platform=platform, reply_to=self.address(chat, number), **given)

    def by_phone(self, number: str) -> NotificationRequested:
        """Something to tell a caller."""
        return a_request(channel=Channel.PHONE, reply_to=an_address(self.sealer, number))

    def prompt(self, prompt: Prompt, chat: str = "42", **given: Any) -> PromptRequested:
        """A bot's question on Telegram."""
        usual: dict[str, Any] = {"channel": Channel.SOCIAL, "platform": "telegram", "reply_to": self.address(chat)}
        return PromptRequested(prompt=prompt, **{"at": datetime.now(UTC)} | usual | given)

    async def receive(self, *requested: NotificationRequested) -> None:
        async with self.database.transaction() as tx:
            await self._store(requested, tx)

    async def ask(self, *requested: PromptRequested) -> None:
        async with self.database.transaction() as tx:
            await self._ask(requested, tx)

    def running(self) -> list[Any]:
        """Every sender's loop."""
        return [self.sms.send_due(), *(courier.send_due() for courier in self.couriers)]

    async def states(self) -> list[str]:
        async with self.database.transaction() as tx:
            return [row[0] for row in await tx.fetch("SELECT state FROM delivery_states ORDER BY localid")]

    async def hurry(self) -> None:
        """Let every pause be over; leases hold."""
        async with self.database.transaction() as tx:
            await tx.execute(_HURRY)

    async def expire(self) -> None:
        """Let every lease be over."""
        async with self.database.transaction() as tx:
            await tx.execute("UPDATE due SET due_at = now()")

    async def until(self, *states: str, hurry: bool = True) -> None:
        async with asyncio.timeout(90):
            while await self.states() != list(states):
                if hurry:
                    await self.hurry()
                await asyncio.sleep(0.05)

    async def until_told(self, platform: str, count: int) -> list[Told]:
        async with asyncio.timeout(90):
            while len(self.chats.of(platform)) < count:
                await asyncio.sleep(0.02)
        return self.chats.of(platform)

    async def events(self) -> list[str]:
        async with self.database.transaction() as tx:
            return [row[0] for row in await tx.fetch("SELECT name FROM outbox ORDER BY id")]

    async def attempts(self) -> list[tuple[str, str]]:
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT provider, outcome FROM attempts ORDER BY localid, attempt")
        return [(row[0], row[1]) for row in rows]

    def restarted(self) -> "Telling":
        """Another process on the same database."""
        return Telling(self.database, self.sealer, self.url, self.app)

    async def close(self) -> None:
        for courier in self.couriers:
            await courier.finish()
        await self.provider.close()
