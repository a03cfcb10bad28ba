"""What becomes of many deliveries while a platform is away, or answers what nobody expects."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import orjson
import pytest
from common.events import Channel, Prompt
from fastapi import FastAPI, Request
from notify.courier import PATIENT
from notify.providers.kavenegar import Kavenegar
from notify.providers.outcome import Fate, Outcome, Outgoing
from notify.providers.posting import Answer, post
from workbench.sandbox.faults import Faults

from tests.builders import an_address
from tests.integration.http import beside
from tests.integration.telling import NUMBER, Telling, served

DRIPS = 10


async def grow_old(telling: Telling, age: timedelta) -> None:
    async with telling.database.transaction() as tx:
        await tx.execute("UPDATE deliveries SET created_at = $1", datetime.now(UTC) - age)


async def test_all_that_waits_for_a_dead_messenger_gives_way_to_sms_at_once(telling: Telling) -> None:
    telling.fail("telegram", answer="failing")
    await telling.receive(*(telling.request(chat=str(n), number=NUMBER) for n in range(250)))
    await grow_old(telling, timedelta(minutes=61))
    async with beside(*telling.running()):
        await telling.until(*["sent"] * 250, hurry=False)
    assert len(telling.app.state.ledger.sent) == 250
    assert {sms.asked for sms in telling.app.state.ledger.sent} == {1}
    assert telling.chats.asked["telegram"] < 50
    assert await telling.events() == ["notification.sent.v1"] * 250


async def test_what_is_not_yet_late_waits_for_a_dead_messenger(telling: Telling) -> None:
    telling.fail("telegram", answer="failing", calls=PATIENT)
    await telling.receive(*(telling.request(chat=str(n), number=NUMBER) for n in range(40)))
    await grow_old(telling, timedelta(minutes=59))
    async with beside(*telling.running()):
        await telling.until(*["sent"] * 40)
    assert telling.app.state.ledger.sent == []
    assert len(telling.chats.of("telegram")) == 40


async def test_questions_that_nobody_waits_for_are_given_up_together(telling: Telling) -> None:
    telling.fail("telegram", answer="failing")
    await telling.ask(*(telling.prompt(Prompt.ASK_PLACE, str(n)) for n in range(40)))
    await grow_old(telling, timedelta(minutes=16))
    async with beside(*telling.running()):
        await telling.until(*["failed"] * 40, hurry=False)
    assert telling.app.state.ledger.sent == []


async def test_an_sms_in_another_ones_place_is_tried_again_too(telling: Telling) -> None:
    telling.fail("push", answer="failing")
    telling.app.state.faults = Faults(status=500, calls=1)
    await telling.receive(telling.request(None, "citizen-1", number=NUMBER))
    await grow_old(telling, timedelta(hours=25))
    async with beside(*telling.running()):
        await telling.until("sent")
    assert await telling.attempts() == [("push", "retry"), ("kavenegar", "retry"), ("kavenegar", "sent")]


@pytest.mark.parametrize(("prompt", "becomes"), [(Prompt.CALLBACK_CLOSED, "sent"), (Prompt.CALL_LINK, "failed")])
async def test_that_a_callback_is_closed_is_still_told_when_a_link_is_of_no_use_any_more(
    telling: Telling, prompt: Prompt, becomes: str
) -> None:
    telling.app.state.faults = Faults(status=500, calls=2)  # the first try is of what is in memory, and young
    caller = an_address(telling.sealer, NUMBER)
    await telling.ask(telling.prompt(prompt, channel=Channel.PHONE, platform=None, reply_to=caller))
    await grow_old(telling, timedelta(minutes=20))
    async with beside(*telling.running()):
        await telling.until(becomes)
    outcomes = [outcome for _, outcome in await telling.attempts()]
    assert outcomes == ["retry", "retry", "sent"][: 3 if becomes == "sent" else 2]
    assert len(telling.app.state.ledger.sent) == outcomes.count("sent")


async def test_a_letter_that_an_adapter_fails_on_is_told_by_sms(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    await telling.receive(telling.request(chat="--4242", number=NUMBER), telling.request(chat="43"))
    async with beside(*telling.running()):
        await telling.until("sent", "sent")
    assert [sms.receptor for sms in telling.app.state.ledger.sent] == [NUMBER]
    assert "ValueError" in caplog.text
    assert "4242" not in caplog.text


async def test_who_answers_byte_by_byte_does_not_keep_a_call_for_ever() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {DRIPS}\r\n\r\n".encode())
        for _ in range(DRIPS):
            writer.write(b" ")
            await asyncio.sleep(0.15)
        writer.close()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server, httpx.AsyncClient(timeout=0.3) as client:
        port = server.sockets[0].getsockname()[1]
        assert await post(client, f"http://127.0.0.1:{port}", b"{}") == Answer(0, unknown=True)


async def test_nor_does_it_keep_the_senders_of_sms() -> None:
    given_up = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"1\r\n \r\n")
            await asyncio.sleep(0.05)
        given_up.set()

    async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        provider = Kavenegar(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "key", "1000137", seconds=0.3)
        async with asyncio.timeout(20):
            [outcome] = await provider.send([Outgoing(1, NUMBER, "س")])
            await given_up.wait()
        await provider.close()
    assert outcome.fate is Fate.RETRY


async def test_where_each_of_a_call_is_refused_the_halves_are_asked_at_once() -> None:
    odd, both = FastAPI(), asyncio.Barrier(2)

    @odd.post("/v1/key/sms/sendarray.json")
    async def refuse(request: Request) -> dict[str, object]:
        receptors = parse_qs((await request.body()).decode())["receptor"][0]
        if len(orjson.loads(receptors)) == 1:
            await both.wait()
        return {"return": {"status": 413}, "entries": None}

    with served(odd) as url:
        provider = Kavenegar(url, "key", "1000137", seconds=5)
        outcomes = await provider.send([Outgoing(n, NUMBER, "س") for n in (1, 2)])
        await provider.close()
    assert [(one.localid, one.fate) for one in outcomes] == [(1, Fate.REFUSED), (2, Fate.REFUSED)]


@pytest.mark.parametrize("entry", [{}, {"messageid": None}, {"messageid": "9" * 30}, "odd", None])
async def test_an_sms_whose_number_cannot_be_read_is_sent_and_has_no_receipt(entry: object) -> None:
    odd = FastAPI()

    @odd.post("/v1/key/sms/{method}")
    async def answer(method: str) -> dict[str, object]:
        return {"return": {"status": 200}, "entries": [entry, {"messageid": 8, "status": 10}]}

    with served(odd) as url:
        provider = Kavenegar(url, "key", "1000137", seconds=5)
        sent = await provider.send([Outgoing(1, NUMBER, "س"), Outgoing(2, NUMBER, "س")])
        receipts = await provider.receipts([7, 8])
        await provider.close()
    assert sent == [Outcome(1, Fate.SENT), Outcome(2, Fate.SENT, 8)]
    assert receipts == {8: 10}
