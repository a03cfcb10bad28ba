"""Two bots on one platform: whoever wrote to one is answered by it, and is one citizen to both."""

from common.db import Database
from workbench.keys import Keys

from tests.integration.messengers import TELEGRAM_SECRET, Messengers, messengers
from tests.integration.test_telegram import NOISE, PLACED, from_aiogram
from tests.integration.test_telegram import database as database

TWO = {"pasokh": (TELEGRAM_SECRET,), "district": ("district-secret-of-a-test",)}


async def write(bots: Messengers, number: int, text: str, *, bot: str) -> None:
    answer = await bots.telegram(from_aiogram(number, text=text), TWO[bot][0], bot=bot)
    assert answer.status_code == 200


async def test_each_of_two_bots_answers_its_own_and_knows_the_citizen_by_both(database: Database, keys: Keys) -> None:
    async with messengers(database, keys, telegram_bots=TWO) as bots:
        await write(bots, 1, PLACED, bot="pasokh")
        await write(bots, 1, PLACED, bot="district")
        received = await bots.events("message.received.v1")
    assert [event["platform"] for event in received] == ["telegram/pasokh", "telegram/district"]
    [whose] = {event["reply_to"]["account_lookup"] for event in received}
    assert whose


async def test_a_conversation_goes_on_with_the_bot_that_was_written_to_last(database: Database, keys: Keys) -> None:
    async with messengers(database, keys, telegram_bots=TWO) as bots:
        await write(bots, 1, NOISE, bot="pasokh")
        await write(bots, 1, "منطقه ۳", bot="district")
        [received] = await bots.events("message.received.v1")
        prompts = [(event["prompt"], event["platform"]) for event in await bots.events("prompt.requested.v1")]
    assert received["platform"] == "telegram/district"
    assert prompts == [("ask_place", "telegram/pasokh")]


async def test_one_bot_needs_no_name(database: Database, keys: Keys) -> None:
    tokens = {"telegram/pasokh": "1:a", "whatsapp/1": "b", "whatsapp/2": "c"}
    async with messengers(database, keys, messenger_tokens=tokens) as bots:
        await write(bots, 1, PLACED, bot="pasokh")
        [received] = await bots.events("message.received.v1")
        assert received["platform"] == "telegram"
        assert bots.settings.several_accounts == {"whatsapp/1", "whatsapp/2"}
