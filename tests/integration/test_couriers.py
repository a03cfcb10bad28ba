"""Messengers and the app's webhook against real PostgreSQL and the sandbox, which is told to fail."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from common.codes import new_code
from common.events import NotificationRequested, Prompt, Told
from notify.app import create_app
from notify.courier import give_back_orphans
from notify.settings import Settings
from notify.words import Matrix, render
from workbench.keys import Keys

from tests.builders import service_settings
from tests.integration.http import beside
from tests.integration.telling import NUMBER, SECRET, Telling

MESSENGERS = ["telegram", "bale", "eitaa", "rubika", "whatsapp", "instagram"]


async def test_a_citizen_is_told_where_they_wrote(telling: Telling) -> None:
    requested = [telling.request(platform, f"7{n}", number=NUMBER) for n, platform in enumerate(MESSENGERS)]
    await telling.receive(*requested)
    async with beside(*telling.running()):
        await telling.until(*["sent"] * len(MESSENGERS), hurry=False)
    told = {one.platform: one.to for one in telling.chats.told}
    assert told == {platform: f"7{n}" for n, platform in enumerate(MESSENGERS)}
    assert telling.app.state.ledger.sent == []
    assert await telling.events() == ["notification.sent.v1"] * len(MESSENGERS)


async def test_an_answer_comes_with_buttons_that_say_31_and_33_of_that_case(telling: Telling) -> None:
    platforms = [one for one in MESSENGERS if one != "eitaa"]  # which has none
    requested = [telling.request(platform, told=Told.DONE, outcome="شد", number=NUMBER) for platform in platforms]
    await telling.receive(*requested, telling.request("telegram", "43"))
    async with beside(*telling.running()):
        await telling.until(*["sent"] * 6, hurry=False)
    buttons = {(one.platform, one.to): one.button for one in telling.chats.told}
    assert buttons.pop(("telegram", "43")) is None
    expected = {(p, "42"): f"31 {one.code} | 33 {one.code}" for p, one in zip(platforms, requested, strict=True)}
    assert buttons == expected


async def test_who_hides_their_number_on_whatsapp_is_told_there(telling: Telling) -> None:
    await telling.receive(telling.request("whatsapp", "IR.13491208655302741918"))
    async with beside(*telling.running()):
        await telling.until("sent", hurry=False)
    assert [one.to for one in telling.chats.of("whatsapp")] == ["IR.13491208655302741918"]


async def test_the_same_request_twice_is_told_once(telling: Telling) -> None:
    code = new_code()
    await telling.receive(telling.request(code=code))
    await telling.receive(telling.request(code=code))
    async with beside(*telling.running()):
        await telling.until("sent", hurry=False)
    assert len(telling.chats.of("telegram")) == 1


@pytest.mark.parametrize("answer", ["blocked", "gone", "window"])
@pytest.mark.parametrize("platform", MESSENGERS)
async def test_who_cannot_be_reached_there_is_told_by_sms_once(telling: Telling, platform: str, answer: str) -> None:
    telling.fail(platform, answer=answer)
    await telling.receive(telling.request(platform, number=NUMBER))
    async with beside(*telling.running()):
        await telling.until("sent")
        await telling.hurry()
        await asyncio.sleep(0.1)
    assert telling.chats.of(platform) == []
    assert [(sms.receptor, sms.asked) for sms in telling.app.state.ledger.sent] == [(NUMBER, 1)]
    assert [outcome for _, outcome in await telling.attempts()] == ["refused", "sent"]
    assert await telling.events() == ["notification.sent.v1"]


async def test_without_a_number_the_failure_is_reported(telling: Telling) -> None:
    telling.fail("telegram", answer="blocked")
    await telling.receive(telling.request())
    async with beside(*telling.running()):
        await telling.until("failed")
    assert await telling.events() == ["notification.failed.v1"]


async def test_a_platform_without_an_adapter_means_sms_or_a_reported_failure(telling: Telling) -> None:
    await telling.receive(telling.request("soroush", number=NUMBER), telling.request("soroush"))
    async with beside(*telling.running()):
        await telling.until("sent", "untellable", hurry=False)
    assert len(telling.app.state.ledger.sent) == 1
    assert sorted(await telling.events()) == ["notification.failed.v1", "notification.sent.v1"]


@pytest.mark.parametrize("answer", ["limited", "failing"])
@pytest.mark.parametrize("platform", [*MESSENGERS, None])
async def test_what_fails_for_now_is_told_later_and_once(telling: Telling, platform: str | None, answer: str) -> None:
    telling.fail(platform or "push", answer=answer, calls=1, retry_after=0)
    await telling.receive(telling.request(platform, number=NUMBER))
    async with beside(*telling.running()):
        await telling.until("sent")
    assert len(telling.chats.told) == 1
    assert telling.app.state.ledger.sent == []
    assert [outcome for _, outcome in await telling.attempts()] == ["retry", "sent"]


async def test_retry_after_is_obeyed_for_the_whole_bot(telling: Telling) -> None:
    telling.fail("telegram", answer="limited", calls=1, retry_after=2)
    await telling.receive(telling.request())
    async with beside(*telling.running()):
        while not await telling.attempts():
            await asyncio.sleep(0.02)
        await telling.receive(telling.request(chat="43"))
        await telling.hurry()
        await asyncio.sleep(0.5)
        assert telling.chats.told == []
        await telling.until("sent", "sent", hurry=False)
    async with telling.database.transaction() as tx:
        first, second = await tx.fetch("SELECT at FROM attempts WHERE localid = 1 ORDER BY attempt")
    assert second["at"] - first["at"] > timedelta(seconds=1.9)


async def test_a_lost_answer_means_a_second_copy_at_most_three_times_then_sms(telling: Telling) -> None:
    telling.fail("telegram", slow_answer_seconds=1.5)
    await telling.receive(telling.request(number=NUMBER))
    async with beside(*telling.running()):
        await telling.until("sent")
    assert 1 <= len(telling.chats.of("telegram")) <= 3
    assert [outcome for _, outcome in await telling.attempts()][-2:] == ["retry", "sent"]
    assert len(telling.app.state.ledger.sent) == 1


async def test_a_push_whose_answer_is_lost_reaches_the_app_once(telling: Telling) -> None:
    telling.fail("push", slow_answer_seconds=1.5, calls=1)
    await telling.receive(telling.request(None, "citizen-1", number=NUMBER))
    async with beside(*telling.running()):
        await telling.until("sent")
    [pushed] = telling.chats.of("push")
    assert pushed.to == "citizen-1"
    assert telling.chats.asked["push"] == 2


async def test_a_dead_messenger_delays_neither_sms_nor_another(telling: Telling) -> None:
    telling.fail("telegram", slow_seconds=2)
    await telling.receive(*(telling.request(chat=str(n), number=NUMBER) for n in range(40)))
    async with beside(*telling.running()):
        while not telling.chats.asked.get("telegram"):
            await asyncio.sleep(0.02)
        await telling.receive(telling.request("bale"), telling.by_phone(NUMBER))
        async with asyncio.timeout(90):
            while (await telling.states())[-2:] != ["sent", "sent"]:
                await asyncio.sleep(0.05)
    assert telling.chats.of("telegram") == []


async def test_pushes_of_one_case_come_in_order_and_another_case_does_not_wait(telling: Telling) -> None:
    mine, other = new_code(), new_code()
    telling.fail("push", answer="failing", chats=["citizen-1"])
    told = [Told.REGISTERED, Told.BOUNCED, Told.DONE]
    requested = [telling.request(None, "citizen-1", code=mine, told=one, outcome="شد") for one in told]
    await telling.receive(*requested, telling.request(None, "citizen-2", code=other))
    async with beside(*telling.running()):
        await telling.until_told("push", 1)
        await telling.hurry()
        await asyncio.sleep(0.3)
        assert [one.code for one in telling.chats.of("push")] == [other]
        telling.fail("push")
        await telling.until(*["sent"] * 4)
    words = [one.text for one in telling.chats.of("push") if one.code == mine]
    assert ["ثبت" in words[0], "حیطه" in words[1], "شد." in words[2]] == [True] * 3


async def test_two_replicas_keep_the_order_and_double_nothing(telling: Telling) -> None:
    requested = [telling.request(chat=str(n % 5), revision=n, number=NUMBER) for n in range(60)]
    await telling.receive(*requested)
    second = telling.restarted()
    async with beside(telling.courier("telegram").send_due(), second.courier("telegram").send_due()):
        await telling.until(*["sent"] * 60, hurry=False)
    texts = [_words(one) for one in requested]
    for chat in range(5):
        assert [one.text for one in telling.chats.of("telegram") if one.to == str(chat)] == texts[chat::5]
    await second.close()


async def test_what_a_killed_process_was_sending_is_sent_by_the_next_when_the_lease_is_over(telling: Telling) -> None:
    await telling.receive(telling.request(), telling.request(chat="43"))
    [first, second] = await telling.courier("telegram")._claim(10)  # and the process is killed
    assert await telling.states() == ["sending", "sending"]
    after = telling.restarted()
    assert await after.courier("telegram")._claim(10) == []  # the lease holds
    await telling.expire()
    async with beside(after.courier("telegram").send_due()):
        await telling.until("sent", "sent", hurry=False)
    assert {one.to for one in telling.chats.of("telegram")} == {"42", "43"}
    assert [first.attempts, second.attempts] == [1, 1]
    await after.close()


async def test_a_process_that_ends_in_order_notes_what_it_was_sending(telling: Telling) -> None:
    telling.fail("telegram", slow_answer_seconds=0.5)
    await telling.receive(telling.request())
    async with beside(telling.courier("telegram").send_due()):
        await telling.until_told("telegram", 1)
    await telling.courier("telegram").finish()
    assert await telling.states() == ["sent"]


async def test_after_410_nothing_more_is_pushed_and_citizens_are_told_by_sms(telling: Telling) -> None:
    telling.fail("push", answer="gone", calls=1)
    await telling.receive(*(telling.request(None, f"citizen-{n}", number=NUMBER) for n in range(3)))
    async with beside(*telling.running()):
        await telling.until("sent", "sent", "sent", hurry=False)
        await telling.receive(telling.request(None, "citizen-9"))
        await telling.until("sent", "sent", "sent", "failed", hurry=False)
    pushed = len(telling.chats.of("push"))
    assert pushed + len(telling.app.state.ledger.sent) == 3
    assert pushed < 3


async def test_a_messenger_that_is_down_for_an_hour_gives_way_to_sms(telling: Telling) -> None:
    telling.fail("telegram", answer="failing")
    await telling.receive(telling.request(number=NUMBER), telling.request(None, "citizen-1", number=NUMBER))
    telling.fail("push", answer="failing")
    async with telling.database.transaction() as tx:
        await tx.execute("UPDATE deliveries SET created_at = $1", datetime.now(UTC) - timedelta(minutes=61))
    async with beside(*telling.running()):
        async with asyncio.timeout(90):
            while (await telling.states())[0] != "sent":
                await asyncio.sleep(0.05)
        assert [sms.receptor for sms in telling.app.state.ledger.sent] == [NUMBER]
        telling.fail("push")
        await telling.until("sent", "sent")
    assert len(telling.chats.of("push")) == 1  # the app's webhook is tried for a day


async def test_an_account_whose_key_is_lost_takes_the_other_way(telling: Telling) -> None:
    number = telling.address("42", NUMBER)
    lost = number.model_copy(update={"account": "k9:AAAA"})
    await telling.receive(telling.request().model_copy(update={"reply_to": lost}))
    async with beside(*telling.running()):
        await telling.until("sent")
    assert len(telling.app.state.ledger.sent) == 1


async def test_what_is_due_by_means_that_are_no_longer_set_goes_by_sms(telling: Telling) -> None:
    await telling.receive(telling.request("bale", number=NUMBER), telling.request("bale"), telling.request())
    known, now = ["telegram"], datetime.now(UTC)
    assert await give_back_orphans(telling.database, known, now) == 0  # a replica that has it may be about to
    assert await give_back_orphans(telling.database, known, now + timedelta(minutes=2)) == 2
    async with beside(*telling.running()):
        await telling.until("sent", "failed", "sent", hurry=False)
    assert [one.platform for one in telling.chats.told] == ["telegram"]
    assert len(telling.app.state.ledger.sent) == 1


async def test_every_account_and_the_app_have_a_courier_of_their_own(keys: Keys) -> None:
    given = service_settings("postgresql:///nowhere", keys) | {"gateway_url": "http://g", "gateway_key": "k"}
    given |= {
        "gateway_sender": "1",
        "receipt_secret": "r" * 16,
        "app_webhook": "http://app",
        "app_webhook_secret": SECRET,
    }
    accounts = ["telegram", "telegram/other", "bale", "rubika", "whatsapp/137", "instagram/137", "eitaa"]
    app = create_app(Settings(**given, messenger_tokens=dict.fromkeys(accounts, "t")))
    pulses = {pulse.name for pulse in app.state.service.health.pulses}
    assert {f"courier {name}" for name in [*accounts, "push"]} <= pulses
    await app.state.service.database.close()


async def test_nothing_of_a_citizen_stands_in_the_tables_or_events(telling: Telling) -> None:
    await telling.receive(telling.request(chat="4242424242", number=NUMBER))
    await telling.ask(telling.prompt(Prompt.ASK_PLACE, "4242424242"))
    async with beside(*telling.running()):
        await telling.until("sent", "sent", hurry=False)
    async with telling.database.transaction() as tx:
        rows = [
            str(dict(row))
            for name in ("deliveries", "attempts", "outbox")
            for row in await tx.fetch(f"SELECT * FROM {name}")
        ]
    assert len(rows) == 5
    assert not any("4242424242" in row or "9121234567" in row for row in rows)


async def test_the_page_shows_what_reached_citizens(telling: Telling) -> None:
    telling.chats.tell("bale", "42", "پیام <شما>", button="location")
    async with httpx.AsyncClient(base_url=telling.url) as client:
        page = (await client.get("/")).text
        listed = (await client.get("/chats", params={"platform": "bale"})).json()
    assert "پیام &lt;شما&gt;" in page
    assert "[location]" in page
    assert [one["to"] for one in listed] == ["42"]


def _words(requested: NotificationRequested) -> str:
    telling = Matrix.load().telling(requested)
    assert telling is not None
    return render(telling.template, requested)
