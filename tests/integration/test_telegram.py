"""What aiogram, python-telegram-bot and balethon build is heard; what is forged, repeated or broken as expected."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiogram.types as tg
import balethon.objects as bale
import pytest
import telegram as ptb
from aiogram.methods import AnswerCallbackQuery
from common.codes import new_code
from common.db import Database
from common.edge import BODY_LIMIT
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database
from tests.integration.messengers import BALE_SECRETS, Messengers, messengers, now

CITIZEN = 70_000_000_007
NOISE = "سر و صدای کارگاه نمی‌گذارد بخوابیم"
PLACED = "منطقه ۳ شب‌ها سر و صداست"


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def bots(database: Database, keys: Keys) -> AsyncIterator[Messengers]:
    async with messengers(database, keys) as made:
        yield made


def from_aiogram(number: int, chat: str = "private", **content: Any) -> str:
    """An update that aiogram's types make."""
    sender = tg.User(id=CITIZEN, is_bot=False, first_name="ش")
    message = tg.Message(
        message_id=number, date=now(), chat=tg.Chat(id=CITIZEN, type=chat), from_user=sender, **content
    )
    return tg.Update(update_id=number, message=message).model_dump_json(by_alias=True)


def from_ptb(number: int, **content: Any) -> str:
    """An update that python-telegram-bot makes."""
    user = ptb.User(CITIZEN, "ش", is_bot=False)
    return ptb.Update(
        number, message=ptb.Message(number, now(), ptb.Chat(CITIZEN, "private"), user, **content)
    ).to_json()


def from_balethon(number: int, **content: Any) -> str:
    """An update that balethon makes."""
    moment = bale.Date.wrap(now().timestamp())
    chat, author = bale.Chat(id=CITIZEN, type="private"), bale.User(id=CITIZEN, is_bot=False)
    message = bale.Message(id=number, author=author, date=moment, chat=chat, **content)
    text: str = bale.Update(id=number, message=message).to_json()
    return text


async def test_aiograms_updates_become_a_message_with_place_photo_and_number(bots: Messengers) -> None:
    sizes = [
        tg.PhotoSize(file_id="large", file_unique_id="l", width=1280, height=960),
        tg.PhotoSize(file_id="small", file_unique_id="s", width=90, height=67),
    ]
    number = tg.Contact(phone_number="989121234567", first_name="ش", user_id=CITIZEN)
    updates = [
        from_aiogram(1, text="جوی پر از زباله است، با پیامک خبر بدهید"),
        from_aiogram(2, location=tg.Location(latitude=35.7, longitude=51.4)),
        from_aiogram(3, photo=sizes),
        from_aiogram(4, contact=number),
    ]
    answers = [await bots.telegram(update) for update in updates]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "{}")}
    [message] = await bots.messages()
    assert (message["platform"], message["place"]) == ("telegram", {"lat": 35.7, "lon": 51.4})
    assert await bots.prompts() == ["ask_place", "ask_photo", "ask_phone"]
    assert await bots.files() == [(message["code"], "telegram", "large")]
    [event] = await bots.events("message.received.v1")
    assert (event["attachments"], event["reply_to"]["sms"]) == (1, True)
    sealer = bots.service.sealer
    assert sealer.open(event["reply_to"]["account"]) == str(CITIZEN)
    assert sealer.open(message["phone"]) == "+989121234567"


async def test_no_table_and_no_event_shows_who_wrote(bots: Messengers) -> None:
    await bots.telegram(from_aiogram(1, text=NOISE))
    await bots.telegram(
        from_aiogram(2, contact=tg.Contact(phone_number="+989121234567", first_name="ش", user_id=CITIZEN))
    )
    await bots.telegram(from_aiogram(3, text="منطقه ۳"))
    stored = [*await bots.rows("SELECT * FROM conversations"), *await bots.messages(), *await bots.rows("TABLE outbox")]
    shown = str([dict(row) for row in stored])
    assert str(CITIZEN) not in shown
    assert "9121234567" not in shown


async def test_python_telegram_bots_updates_are_heard(bots: Messengers) -> None:
    await bots.telegram(from_ptb(1, text=NOISE))
    await bots.telegram(from_ptb(2, location=ptb.Location(51.4, 35.7)))
    voice = ptb.Voice("voice-1", "v", 3, mime_type="audio/ogg", file_size=9000)
    await bots.telegram(from_ptb(3, voice=voice))
    [message] = await bots.messages()
    assert (message["text"], message["place"]) == (NOISE, {"lat": 35.7, "lon": 51.4})
    assert await bots.files() == [(message["code"], "telegram", "voice-1")]
    assert await bots.prompts() == ["ask_place", "noted"]


async def test_balethons_updates_are_heard_at_each_secret(bots: Messengers) -> None:
    await bots.bale(from_balethon(1, text=NOISE))
    await bots.bale(from_balethon(2, location=bale.Location(longitude=51.4, latitude=35.7)), BALE_SECRETS[1])
    [message] = await bots.messages()
    assert (message["platform"], message["text"]) == ("bale", NOISE)
    assert await bots.prompts() == ["ask_place"]


async def test_a_contact_of_somebody_else_is_not_the_citizens_number(bots: Messengers) -> None:
    await bots.telegram(from_aiogram(1, text=PLACED + " با پیامک خبر بدهید"))
    await bots.telegram(from_aiogram(2, contact=tg.Contact(phone_number="989350000000", first_name="x", user_id=5)))
    await bots.until(now() + timedelta(hours=1))
    [message] = await bots.messages()
    assert message["phone"] is None
    assert await bots.prompts() == ["ask_phone", "not_understood"]


async def test_a_replayed_update_counts_once_also_at_the_same_moment_and_after_a_restart(
    bots: Messengers, database: Database, keys: Keys
) -> None:
    update = from_aiogram(1, text=PLACED)
    answers = await asyncio.gather(*(bots.telegram(update) for _ in range(50)))
    async with messengers(database, keys) as restarted:
        answers.append(await restarted.telegram(update))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await bots.messages()) == 1


async def test_a_question_survives_a_restart(bots: Messengers, database: Database, keys: Keys) -> None:
    await bots.telegram(from_aiogram(1, text=NOISE))
    async with messengers(database, keys) as restarted:
        await restarted.telegram(from_aiogram(2, location=tg.Location(latitude=35.7, longitude=51.4)))
    [message] = await bots.messages()
    assert (message["text"], message["place"]["lat"]) == (NOISE, 35.7)


async def test_nobody_answers_and_the_message_is_accepted_once(bots: Messengers) -> None:
    await bots.telegram(from_aiogram(1, text=NOISE))
    assert await bots.until(now() + timedelta(minutes=9)) == 0
    assert await bots.until(now() + timedelta(minutes=11)) == 1
    assert await bots.until(now() + timedelta(minutes=12)) == 0
    assert [message["text"] for message in await bots.messages()] == [NOISE]


async def test_two_replicas_step_one_conversation_in_turn(bots: Messengers, database: Database, keys: Keys) -> None:
    async with messengers(database, keys) as other:
        posts = [(bots if n % 2 else other).telegram(from_aiogram(n, text=f"{PLACED} {n}")) for n in range(1, 61)]
        answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {200}
    assert len(await bots.messages()) == 60
    [conversation] = await bots.rows("SELECT * FROM conversations")
    assert conversation["last_code"] in {message["code"] for message in await bots.messages()}


async def test_a_long_message_that_quotes_another_long_one_is_taken(bots: Messengers) -> None:
    many = [tg.MessageEntity(type="bold", offset=n, length=1) for n in range(100)]
    long: dict[str, Any] = {"text": f"منطقه ۳ {'ژ' * 4088}", "entities": many}
    quoted = json.loads(from_aiogram(1, **long))["message"]
    quote = {"text": "ژ" * 1024, "position": 8}
    update = json.loads(from_aiogram(2, **long))
    update["message"] |= {"reply_to_message": quoted, "quote": quote}
    body = json.dumps(update)  # as Telegram writes it, six bytes a letter
    assert len(body) > BODY_LIMIT
    assert (await bots.telegram(body)).status_code == 200
    assert [message["text"] for message in await bots.messages()] == [long["text"]]


async def test_forged_updates_are_refused_whatever_the_bot(bots: Messengers) -> None:
    update = from_aiogram(1, text=PLACED)
    refused = [
        await bots.telegram(update, "x" * 25),
        await bots.telegram(update, ""),
        await bots.telegram(update, bot="another"),
        await bots.bale(update, "guess"),
        await bots.bale(update, BALE_SECRETS[0] + "x"),
    ]
    assert {answer.status_code for answer in refused} == {401}
    assert (await bots.telegram(update, "telegram-secret-that-follows")).status_code == 200
    assert len(await bots.messages()) == 1


async def test_groups_channels_and_kinds_that_are_not_ours_are_taken_and_ignored(bots: Messengers) -> None:
    group = from_aiogram(1, chat="group", text=PLACED)
    channel = {"update_id": 2, "channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel"}}}
    unknown = {"update_id": 3, "something_new": {"id": "x"}}
    pinned = {"update_id": 4, "message": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}}}
    answers = [await bots.telegram(update) for update in (group, channel, unknown, pinned)]
    assert {answer.status_code for answer in answers} == {200}
    assert await bots.rows("SELECT 1 FROM conversations") == []
    assert await bots.rows("SELECT 1 FROM inspected") == []


async def test_a_pressed_button_is_answered_in_the_webhooks_answer_and_only_by_telegram(bots: Messengers) -> None:
    await bots.telegram(from_aiogram(1, text=NOISE))
    user = tg.User(id=CITIZEN, is_bot=False, first_name="ش")
    pressed = tg.CallbackQuery(id="q1", from_user=user, chat_instance="c", data="skip")
    answer = await bots.telegram(tg.Update(update_id=2, callback_query=pressed).model_dump_json(by_alias=True))
    assert AnswerCallbackQuery.model_validate(answer.json()).callback_query_id == "q1"
    assert answer.json()["method"] == AnswerCallbackQuery.__api_method__
    assert [message["text"] for message in await bots.messages()] == [NOISE]


async def test_an_edit_before_the_accept_replaces_the_text(bots: Messengers) -> None:
    await bots.telegram(from_aiogram(1, text="بوق ممتد"))
    user, chat = ptb.User(CITIZEN, "ش", is_bot=False), ptb.Chat(CITIZEN, "private")
    edited = ptb.Message(1, now(), chat, user, text="بوق ممتد هر شب")
    await bots.telegram(ptb.Update(2, edited_message=edited).to_json())
    await bots.telegram(from_aiogram(3, text="نمی‌دانم"))
    assert [message["text"] for message in await bots.messages()] == ["بوق ممتد هر شب"]


async def test_a_reply_a_question_after_a_case_and_a_callers_link(bots: Messengers) -> None:
    code = new_code()
    await bots.telegram(from_aiogram(1, text=f"33 {code}"))
    await bots.telegram(from_aiogram(2, text=f"کد {code} چه شد؟"))
    await bots.telegram(from_aiogram(3, text="/start call-1732500000-17"))
    await bots.telegram(from_aiogram(4, text=PLACED))
    [reply] = await bots.events("reply.received.v1")
    [asked] = await bots.events("status.asked.v1")
    [recorded] = await bots.events("contact.recorded.v1")
    [message] = await bots.events("message.received.v1")
    assert (reply["answer"], reply["code"], len(reply["account_lookup"])) == ("objected", code, 64)
    assert (asked["code"], asked["platform"]) == (code, "telegram")
    assert (recorded["reason"], recorded["code"], "reply_to" in recorded) == ("follow_up", code, False)
    assert message["call_id"] == "1732500000-17"
    assert await bots.prompts() == ["reply_noted", "welcome"]


async def test_what_follows_an_update_belongs_to_its_requests_trace(bots: Messengers) -> None:
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    await bots.telegram(from_aiogram(1, text=NOISE), traceparent=trace)
    await bots.telegram(from_aiogram(2, text="نمی‌دانم"), traceparent=trace)
    rows = await bots.rows("SELECT name, traceparent FROM outbox ORDER BY id")
    assert {row["name"] for row in rows} == {"prompt.requested.v1", "message.received.v1"}
    assert {row["traceparent"][:35] for row in rows} == {trace[:35]}


async def test_what_cannot_be_read_is_taken_and_kept_for_whoever_may_look(bots: Messengers, keys: Keys) -> None:
    bodies: list[Any] = [b"{", b"\xff\xfe\x00", b"[]", {"update_id": "x"}, {"update_id": 1, "message": {"chat": 7}}]
    assert {(await bots.telegram(body)).status_code for body in bodies} == {200}
    headers = {"Authorization": f"Bearer {keys.token('supervisor')}"}
    page = (await bots.client.get("/v1/inspections?limit=3", headers=headers)).json()
    rest = (await bots.client.get(f"/v1/inspections?cursor={page['next_cursor']}", headers=headers)).json()
    found = [*page["items"], *rest["items"]]
    assert (len(page["items"]), len(found), rest["next_cursor"]) == (3, 5, None)
    assert {"{", "\\xff\\xfe\x00"} <= {item["body"] for item in found}
    assert "/message/chat: model_type" in found[0]["reason"]
    assert "update_id" not in str(await bots.rows("SELECT body FROM inspected"))
    operator = {"Authorization": f"Bearer {keys.token('operator')}"}
    assert (await bots.client.get("/v1/inspections", headers=operator)).status_code == 403


async def test_when_too_many_wait_the_platform_is_told_to_come_again(database: Database, keys: Keys) -> None:
    async with messengers(database, keys, most_waiting=1) as bots:
        updates = [from_aiogram(n, text=f"{PLACED} {n}") for n in range(20)]
        answers = await asyncio.gather(*(bots.telegram(update) for update in updates))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        for update in updates:
            assert (await bots.telegram(update)).status_code == 200
        assert len(await bots.messages()) == 20
