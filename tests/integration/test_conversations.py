"""What only the database shows of conversations: other platforms' manners, and what is forgotten when."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from common.db import Database
from common.idempotency import digest
from intake.conversation.draft import Draft, Said, State
from intake.conversation.heard import Heard, Point
from intake.inspection import MOST_KEPT, forget_once, keep
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database
from tests.integration.messengers import Messengers, messengers, now

NUMBER = "+989121234567"
NOISE = "سر و صدای کارگاه نمی‌گذارد بخوابیم"


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def intake(database: Database, keys: Keys) -> AsyncIterator[Messengers]:
    async with messengers(database, keys) as made:
        yield made


async def test_an_sms_is_accepted_at_once_and_nobody_is_asked_or_greeted(intake: Messengers) -> None:
    heard = [
        Heard("sms", NUMBER, "1", text=NOISE),
        Heard("sms", NUMBER, "2", text="سلام"),
        Heard("sms", NUMBER, "3", text="۳۱"),
    ]
    await intake.conversations.hear(heard)
    [message] = await intake.events("message.received.v1")
    [reply] = await intake.events("reply.received.v1")
    assert (message["platform"], message["reply_to"]["sms"], message["reply_to"]["account"]) == ("sms", True, None)
    assert reply["phone_lookup"] == message["reply_to"]["phone_lookup"]
    assert await intake.prompts() == []


async def test_who_writes_on_whatsapp_is_not_asked_for_the_number_that_it_knows(intake: Messengers) -> None:
    account = NUMBER.removeprefix("+")
    await intake.conversations.hear([Heard("whatsapp", account, "1", text=f"{NOISE} با پیامک خبر بدهید")])
    await intake.conversations.hear([Heard("whatsapp", account, "2", point=Point(35.7, 51.4))])
    [message] = await intake.events("message.received.v1")
    assert intake.service.sealer.open(message["reply_to"]["phone"]) == NUMBER
    assert intake.service.sealer.open(message["reply_to"]["account"]) == account
    assert await intake.prompts() == ["ask_place"]


async def test_who_hides_the_number_on_whatsapp_is_asked_for_it(intake: Messengers) -> None:
    text = "منطقه ۳ سر و صداست، با پیامک خبر بدهید"
    await intake.conversations.hear([Heard("whatsapp", "IR.13491208655302741918", "1", text=text)])
    assert await intake.prompts() == ["ask_phone"]


async def test_a_flood_of_words_is_messages_and_none_of_them_is_cut(intake: Messengers) -> None:
    words = "منطقه ۳ " + "ژ" * 10_000
    await intake.conversations.hear([Heard("telegram", "7", "1", text=words)])
    texts = [message["text"] for message in await intake.messages()]
    assert sorted(map(len, texts)) == [1816, 4096, 4096]
    assert sum(text.count("ژ") for text in texts) == 10_000


async def test_a_conversation_whose_key_is_lost_begins_anew_and_its_messages_are_taken(intake: Messengers) -> None:
    await intake.conversations.hear([Heard("telegram", "7", "1", text=NOISE)])
    await intake.rows("UPDATE conversations SET state = 'lost:AAAA', account = 'lost:AAAA'")
    assert await intake.until(now() + timedelta(hours=1)) == 1
    await intake.conversations.hear([Heard("telegram", "7", "2", text="منطقه ۳ بوق ممتد")])
    assert [message["text"] for message in await intake.messages()] == ["منطقه ۳ بوق ممتد"]


async def test_what_comes_twice_in_one_group_keeps_its_order(intake: Messengers) -> None:
    first = Heard("telegram", "7", "1", text="کارگاه شب‌ها کار می‌کند")
    second = Heard("telegram", "7", "2", text="منطقه ۳")
    await intake.conversations.hear([first, second, first])
    [message] = await intake.messages()
    assert message["text"] == first.text


async def test_what_makes_an_update_count_once_is_no_bare_hash_of_its_account(intake: Messengers) -> None:
    await intake.conversations.hear([Heard("sms", NUMBER, "1", text=NOISE)])
    [counted] = await intake.rows("SELECT key FROM first_answers")
    assert counted["key"] != digest("sms", NUMBER, "1")
    assert counted["key"] == digest(intake.service.sealer.lookup(f"sms:{NUMBER}"), "1")


async def test_a_conversation_that_cannot_be_stored_waits_and_the_others_do_not(intake: Messengers) -> None:
    sealer = intake.service.sealer
    for account in ("6", "7", "8"):
        await intake.conversations.hear([Heard("telegram", account, "1", text=NOISE)])
    nowhere = State(Draft(now(), said=(Said(NOISE),), point=Point(999, 0), due_at=now())).document()
    broken = f"state = '{sealer.seal(nowhere or '')}', due_at = due_at - interval '1 minute'"
    await intake.rows(f"UPDATE conversations SET {broken} WHERE key = '{sealer.lookup('telegram:7')}'")
    later = now() + timedelta(minutes=30)
    await intake.until(later)
    assert [message["text"] for message in await intake.messages()] == [NOISE, NOISE]
    [left] = await intake.rows("SELECT * FROM conversations WHERE due_at IS NOT NULL")
    assert (left["key"], left["due_at"] - later) == (sealer.lookup("telegram:7"), timedelta(hours=1))
    assert sealer.open(left["state"]) == nowhere


async def test_whoever_made_up_a_callers_link_is_heard(intake: Messengers) -> None:
    await intake.conversations.hear([Heard("telegram", "7", "1", text="/start call-a_00")])
    await intake.conversations.hear([Heard("telegram", "7", "2", text=NOISE)])
    await intake.until(now() + timedelta(hours=1))
    assert [message["text"] for message in await intake.messages()] == [NOISE]


async def test_conversations_are_forgotten_after_a_month_but_not_with_a_question_open(intake: Messengers) -> None:
    await intake.conversations.hear([Heard("telegram", "7", "1", text="سلام"), Heard("telegram", "8", "1", text=NOISE)])
    await intake.rows(
        "UPDATE conversations SET heard_at = heard_at - interval '31 days', due_at = due_at + interval '1 hour'"
    )
    await intake.until(now())
    [left] = await intake.rows("SELECT * FROM conversations")
    assert left["due_at"] is not None
    await intake.until(now() + timedelta(hours=2))
    assert [message["text"] for message in await intake.messages()] == [NOISE]


async def test_what_nobody_could_read_is_kept_a_fortnight_and_not_without_end(intake: Messengers) -> None:
    sealer = intake.service.sealer
    for age in (15, 13, 1, 0):
        await keep(
            intake.database, sealer, "telegram", b"\x00" * 70_000, f"{age} days\x00", now() - timedelta(days=age)
        )
    await forget_once(intake.database, now())
    rows = await intake.rows("SELECT * FROM inspected ORDER BY id")
    assert [row["reason"] for row in rows] == ["13 days", "1 days", "0 days"]
    assert {row["size"] for row in rows} == {70_000}
    await intake.rows(
        "INSERT INTO inspected (id, platform, body, size, reason, at)"
        f" SELECT uuidv7(), 'bale', '', 0, 'flood', now() FROM generate_series(1, {MOST_KEPT + 10})"
    )
    await forget_once(intake.database, now())
    [kept] = await intake.rows(
        "SELECT count(*) AS rows, count(*) FILTER (WHERE reason = 'flood') AS flood FROM inspected"
    )
    assert (kept["rows"], kept["flood"]) == (MOST_KEPT, MOST_KEPT)
