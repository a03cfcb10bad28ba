"""Notify against real PostgreSQL and the SMS sandbox, which is told to fail."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from common.db import Database
from common.events import NotificationRequested, SealedAddress, Told
from common.health import Pulse
from common.sealed import Sealer
from fastapi import FastAPI
from notify.app import create_app
from notify.handlers import store_requests_with
from notify.outcomes import Claimed, record_outcomes, record_receipts
from notify.post_office import PostOffice
from notify.providers.kavenegar import Kavenegar
from notify.providers.outcome import Fate, Outcome, Outgoing
from notify.sender import Sender
from notify.settings import Settings
from notify.words import Matrix
from workbench.keys import Keys
from workbench.ports import free_port
from workbench.postgres import Postgres
from workbench.sandbox.app import create_app as create_sandbox
from workbench.sandbox.faults import Faults
from workbench.sandbox.ledger import Ledger

from tests.builders import a_database, a_request, an_address, service_settings
from tests.integration.http import Asked, beside


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, FastAPI]]:
    """The sandbox on a port of its own: its address, and the app whose state a test looks at."""
    monkeypatch.setenv("PASOKH_SANDBOX_LEDGER", str(tmp_path / "ledger.jsonl"))
    monkeypatch.delenv("PASOKH_GATEWAY_KEY", raising=False)
    app = create_sandbox()
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}", app
    server.should_exit = True
    thread.join()


class Notify:
    """Notify's handler and sender on a database of their own."""

    def __init__(self, database: Database, sealer: Sealer, url: str, app: FastAPI) -> None:
        self.database, self.sealer, self.app = database, sealer, app
        self.provider = Kavenegar(url, "workbench", "1000137", seconds=1)
        self.sender = Sender(database, sealer, self.provider, Pulse("sender"))
        self._store = store_requests_with(Matrix.load(), PostOffice(self.sender))

    @property
    def ledger(self) -> Ledger:
        ledger: Ledger = self.app.state.ledger
        return ledger

    def fail(self, **faults: Any) -> None:
        self.app.state.faults = Faults(**faults)

    def request(self, number: str = "+989121234567", **given: Any) -> NotificationRequested:
        return a_request(reply_to=an_address(self.sealer, number), **given)

    async def receive(self, *requested: NotificationRequested) -> None:
        async with self.database.transaction() as tx:
            await self._store(requested, tx)

    async def states(self) -> list[str]:
        async with self.database.transaction() as tx:
            return [row[0] for row in await tx.fetch("SELECT state FROM delivery_states ORDER BY localid")]

    async def hurry(self) -> None:
        """Let every pause be over."""
        async with self.database.transaction() as tx:
            await tx.execute("UPDATE due SET due_at = now()")
            await tx.execute("UPDATE unconfirmed SET check_at = now()")

    async def until(self, *states: str) -> None:
        async with asyncio.timeout(90):
            while await self.states() != list(states):
                await self.hurry()
                await asyncio.sleep(0.05)

    async def events(self) -> list[str]:
        async with self.database.transaction() as tx:
            return [row[0] for row in await tx.fetch("SELECT name FROM outbox ORDER BY id")]


@pytest.fixture
async def notify(
    postgres: Postgres, database_name: str, keys: Keys, gateway: tuple[str, FastAPI]
) -> AsyncIterator[Notify]:
    database = await a_database(postgres, "notify", database_name)
    made = Notify(database, Sealer.from_file(keys.seal_keys), *gateway)
    yield made
    await made.provider.close()
    await database.close()


async def test_a_request_becomes_one_sms_however_often_it_is_published(notify: Notify) -> None:
    requested = notify.request()
    await notify.receive(requested)
    await notify.receive(notify.request(code=requested.code))
    async with beside(notify.sender.send_due()):
        await notify.until("sent")
    [sms] = notify.ledger.sent
    assert sms.receptor == "+989121234567"
    assert await notify.events() == ["notification.sent.v1"]


async def test_without_a_number_that_gets_sms_the_failure_is_reported(notify: Notify) -> None:
    await notify.receive(a_request())
    assert await notify.states() == ["untellable"]
    assert await notify.events() == ["notification.failed.v1"]


@pytest.mark.parametrize("faults", [{"status": 409}, {"status": 500}, {"status": 418}, {"status": 403}])
async def test_while_the_provider_refuses_for_now_nothing_is_lost_or_doubled(
    notify: Notify, faults: dict[str, int]
) -> None:
    notify.fail(**faults, calls=2)
    await notify.receive(*(notify.request() for _ in range(3)))
    async with beside(notify.sender.send_due()):
        await notify.until("sent", "sent", "sent")
    assert [sms.asked for sms in notify.ledger.sent] == [1, 1, 1]
    async with notify.database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM attempts WHERE outcome = 'retry'") >= 3


async def test_an_answer_that_is_lost_after_delivery_is_asked_for_again_with_the_same_localid(notify: Notify) -> None:
    notify.fail(slow_answer_seconds=1.5, calls=1)
    await notify.receive(notify.request())
    async with beside(notify.sender.send_due()):
        await notify.until("sent")
    [sms] = notify.ledger.sent
    assert sms.asked >= 2


async def test_a_crash_between_the_call_and_its_outcome_sends_again_with_the_same_localid(notify: Notify) -> None:
    await notify.receive(notify.request())
    handed = notify.sender._take(10)
    await notify.provider.send([Outgoing(c.localid, notify.sealer.open(c.phone or ""), c.text) for c in handed])
    assert len(handed) == 1
    assert await notify.states() == ["sending"]
    assert await notify.sender._claim(10) == []  # the lease holds
    async with beside(notify.sender.send_due()):  # `until` lets it run out
        await notify.until("sent")
    [sms] = notify.ledger.sent
    assert sms.asked == 2


async def test_one_bad_number_in_a_call_is_given_up_alone_and_loudly(
    notify: Notify, caplog: pytest.LogCaptureFixture
) -> None:
    notify.fail(bad_receptors=["+989350000000"])
    numbers = ["+989121111111", "+989350000000", "+989122222222", "+989123333333"]
    await notify.receive(*(notify.request(number) for number in numbers))
    async with beside(notify.sender.send_due()):
        await notify.until("sent", "failed", "sent", "sent")
    assert len(notify.ledger.sent) == 3
    assert sorted(await notify.events()) == ["notification.failed.v1", *["notification.sent.v1"] * 3]
    assert "refuses" in caplog.text
    assert "9350000000" not in caplog.text


async def test_a_number_whose_key_is_lost_is_given_up_alone(notify: Notify) -> None:
    lost = a_request(reply_to=SealedAddress(phone="k9:AAAA", sms=True))
    await notify.receive(notify.request(), lost, notify.request())
    async with beside(notify.sender.send_due()):
        await notify.until("sent", "failed", "sent")
    assert sorted(await notify.events()) == ["notification.failed.v1", *["notification.sent.v1"] * 2]


async def test_urgent_ones_go_first(notify: Notify) -> None:
    await notify.receive(*(notify.request() for _ in range(3)), urgent := notify.request(urgent=True))
    handed = notify.sender._take(10)
    assert len(handed) == 4
    assert handed[0].code == urgent.code
    await notify.hurry()
    assert (await notify.sender._claim(10))[0].code == urgent.code


async def test_what_memory_does_not_take_waits_in_the_table(notify: Notify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.sender.MOST_IN_MEMORY", 2)
    await notify.receive(notify.request(), notify.request())
    await notify.receive(notify.request())
    assert await notify.states() == ["sending", "sending", "due"]
    async with beside(notify.sender.send_due()):
        async with asyncio.timeout(30):
            while await notify.states() != ["sent"] * 3:
                await asyncio.sleep(0.05)
    assert [sms.asked for sms in notify.ledger.sent] == [1, 1, 1]


async def test_what_is_in_memory_at_the_end_is_due_at_once_for_the_next_process(notify: Notify) -> None:
    await notify.receive(notify.request(), notify.request())
    await notify.sender.release()
    assert await notify.states() == ["due", "due"]
    assert [one.attempts for one in await notify.sender._claim(10)] == [1, 1]


async def test_a_number_that_the_provider_gives_twice_costs_one_receipt_and_nothing_else(notify: Notify) -> None:
    await notify.receive(notify.request(), notify.request())
    claimed = {one.localid: one for one in notify.sender._take(10)}
    async with notify.database.transaction() as tx:
        await record_outcomes(claimed, [Outcome(localid, Fate.SENT, 7) for localid in claimed], tx)
    assert await notify.states() == ["sent", "sent"]
    assert await notify.events() == ["notification.sent.v1"] * 2


async def test_what_comes_while_the_table_is_swept_is_sent_without_a_pause(
    notify: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notify.sender.SWEEP_SECONDS", 30.0)
    claim = notify.sender._claim

    async def slow(most: int) -> list[Claimed]:
        swept = await claim(most)
        await notify.receive(notify.request())
        return swept

    monkeypatch.setattr(notify.sender, "_claim", slow)
    async with beside(notify.sender.send_due()), asyncio.timeout(30):
        while await notify.states() != ["sent"]:
            await asyncio.sleep(0.05)
    assert len(notify.ledger.sent) == 1


async def test_what_is_rolled_back_is_not_sent(notify: Notify) -> None:
    with pytest.raises(ZeroDivisionError):
        await _fail_after(notify, notify.request())
    assert notify.sender._take(10) == []


async def test_receipts_by_poll_and_by_callback_count_once(notify: Notify, keys: Keys) -> None:
    await notify.receive(notify.request(), notify.request())
    async with beside(notify.sender.send_due()):
        await notify.until("sent", "sent")
    settings = service_settings(notify.database.address, keys) | {"receipt_secret": "a" * 20, "gateway_timeout": 1.0}
    settings |= {"gateway_url": "http://127.0.0.1:1", "gateway_key": "k", "gateway_sender": "1"}
    app = create_app(Settings.model_construct(None, **settings))
    first = notify.ledger.sent[0].messageid
    form = {"messageid": str(first), "status": "10"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notify") as client:
        pushed = [await client.post("/v1/receipts/kavenegar?secret=" + "a" * 20, data=form) for _ in range(2)]
        assert [answer.json()["counted"] for answer in pushed] == [1, 0]
        assert (await client.post("/v1/receipts/kavenegar?secret=b", data=form)).status_code == 401
        assert (await client.post("/v1/receipts/other?secret=" + "a" * 20, data=form)).status_code == 404
    async with beside(notify.sender.ask_receipts()):
        await notify.until("delivered", "delivered")
    assert sorted(await notify.events()) == [*["notification.delivered.v1"] * 2, *["notification.sent.v1"] * 2]
    shown = await Asked(app, keys).get("/v1/notifications", "operator", code=await _code(notify))
    assert shown.json()["items"][0]["phone"] == "0912•••4567"
    await app.state.service.database.close()


async def test_what_cannot_be_delivered_is_reported_as_failed(notify: Notify) -> None:
    await notify.receive(notify.request(told=Told.DONE, outcome="انجام شد"))
    async with beside(notify.sender.send_due()):
        await notify.until("sent")
    async with notify.database.transaction() as tx:
        assert await record_receipts({notify.ledger.sent[0].messageid: 11}, tx) == 1
    assert await notify.states() == ["undelivered"]
    assert (await notify.events())[-1] == "notification.failed.v1"


async def test_after_a_day_of_failures_it_is_given_up(notify: Notify) -> None:
    notify.fail(status=500)
    await notify.receive(notify.request())
    async with notify.database.transaction() as tx:
        await tx.execute("UPDATE deliveries SET created_at = $1", datetime.now(UTC) - timedelta(hours=25))
    async with beside(notify.sender.send_due()):
        await notify.until("failed")
    assert await notify.events() == ["notification.failed.v1"]


async def _fail_after(notify: Notify, requested: NotificationRequested) -> None:
    async with notify.database.transaction() as tx:
        await notify._store([requested], tx)
        raise ZeroDivisionError


async def _code(notify: Notify) -> str:
    async with notify.database.transaction() as tx:
        return str(await tx.fetchval("SELECT code FROM deliveries ORDER BY localid LIMIT 1"))
