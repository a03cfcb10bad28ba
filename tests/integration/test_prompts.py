"""What is said outside a case, against real PostgreSQL and the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

from common.events import Channel, Prompt, SealedAddress

from tests.builders import an_address
from tests.integration.http import beside
from tests.integration.telling import NUMBER, Telling


async def test_a_prompt_is_said_once_with_its_button_and_is_not_reported(telling: Telling) -> None:
    asked = telling.prompt(Prompt.ASK_PLACE)
    await telling.ask(asked, telling.prompt(Prompt.UNKNOWN_CODE, code="1927643500"))
    await telling.ask(asked)
    async with beside(*telling.running()):
        await telling.until("sent", "sent", hurry=False)
    place, unknown = telling.chats.of("telegram")
    assert (place.button, unknown.button) == ("location", None)
    assert await telling.events() == []


async def test_a_bots_question_that_cannot_be_asked_is_not_asked_by_sms(telling: Telling) -> None:
    telling.fail("telegram", answer="blocked")
    with_number = telling.address("42", NUMBER)
    await telling.ask(telling.prompt(Prompt.ASK_PLACE, reply_to=with_number))
    await telling.ask(telling.prompt(Prompt.ASK_PLACE, reply_to=with_number, platform="soroush"))
    async with beside(*telling.running()):
        await telling.until("failed", "untellable")
    assert telling.app.state.ledger.sent == []
    assert await telling.events() == []


async def test_a_caller_gets_the_link_by_sms_at_once(telling: Telling) -> None:
    caller = an_address(telling.sealer, NUMBER)
    values = {"url": "https://137.example/c/Ab3"}
    await telling.ask(
        telling.prompt(Prompt.CALL_LINK, channel=Channel.PHONE, platform=None, reply_to=caller, values=values)
    )
    by_sms = telling.prompt(Prompt.ASK_PLACE, platform="sms", reply_to=caller)
    nowhere = telling.prompt(Prompt.CALL_LINK, channel=Channel.PHONE, platform=None, reply_to=SealedAddress())
    await telling.ask(by_sms, nowhere)
    async with beside(*telling.running()):
        await telling.until("sent", "sent", "untellable", hurry=False)
    link, question = telling.app.state.ledger.sent
    assert values["url"] in link.message
    assert question.message.startswith("کجاست")


async def test_a_notification_and_a_question_in_one_chat_keep_their_order(telling: Telling) -> None:
    await telling.receive(telling.request())
    await telling.ask(telling.prompt(Prompt.ASK_PHOTO))
    async with beside(*telling.running()):
        await telling.until("sent", "sent", hurry=False)
    assert ["ثبت" in one.text for one in telling.chats.of("telegram")] == [True, False]


async def test_what_was_asked_while_notify_was_away_is_not_asked_any_more(telling: Telling) -> None:
    caller = an_address(telling.sealer, NUMBER)
    by_phone: dict[str, Any] = {"channel": Channel.PHONE, "platform": None, "reply_to": caller}
    for at in (datetime.now(UTC) - timedelta(minutes=minutes) for minutes in (16, 14)):
        await telling.ask(telling.prompt(Prompt.ASK_PLACE, at=at), telling.prompt(Prompt.CALL_LINK, at=at, **by_phone))
    closed = telling.prompt(Prompt.CALLBACK_CLOSED, at=datetime.now(UTC) - timedelta(hours=6), **by_phone)
    await telling.ask(closed)
    assert await telling.states() == ["untellable", "untellable", "due", "sending", "sending"]
