"""Clients that others wrote: they accept what the sandbox answers, and what we send is what they would send."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import telegram
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter, TelegramUnauthorizedError
from aiogram.methods import SendMessage
from aiogram.types import KeyboardButton, ReplyKeyboardMarkup, Update
from fastapi import FastAPI
from notify.providers.bots import send_message
from notify.providers.outcome import Fate, Letter
from workbench.sandbox.citizens import Said, update

from tests.integration.telling import TOKEN, Telling, messengers
from tests.unit.test_messengers import a_letter

ERRORS = [("blocked", TelegramForbiddenError), ("gone", TelegramBadRequest), ("limited", TelegramRetryAfter)]


@pytest.fixture
async def bot(all_means: tuple[str, FastAPI]) -> AsyncIterator[Bot]:
    """aiogram's client with the sandbox as Telegram."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(f"{all_means[0]}/telegram"))
    async with Bot(TOKEN, session=session) as made:
        yield made
    await asyncio.sleep(0.05)  # aiohttp closes its connections a little later


@pytest.mark.parametrize("offer", [None, "location", "contact"])
def test_aiogram_would_send_the_same_as_we_do(offer: str | None) -> None:
    ours = send_message(a_letter(offer=offer))
    markup = None
    if offer:
        text = ours["reply_markup"]["keyboard"][0][0]["text"]
        button = KeyboardButton.model_validate({"text": text, f"request_{offer}": True})
        markup = ReplyKeyboardMarkup(keyboard=[[button]], resize_keyboard=True, one_time_keyboard=True)
    theirs = SendMessage(chat_id=42, text="سلام", reply_markup=markup)
    # What aiogram leaves to its client's defaults is no parameter.
    given = {"chat_id", "text", "reply_markup"}
    assert theirs.model_dump(include=given, exclude_none=True) == ours
    assert SendMessage.model_validate(ours).text == "سلام"


@pytest.mark.parametrize("offer", ["location", "contact"])
def test_python_telegram_bot_would_show_the_same_keyboard(offer: str) -> None:
    ours = send_message(a_letter(offer=offer))["reply_markup"]
    text, place, contact = ours["keyboard"][0][0]["text"], offer == "location" or None, offer == "contact" or None
    button = telegram.KeyboardButton(text, request_location=place, request_contact=contact)
    theirs = telegram.ReplyKeyboardMarkup([[button]], resize_keyboard=True, one_time_keyboard=True)
    assert theirs.to_dict() == ours


def test_the_buttons_of_an_answer_are_what_both_libraries_would_show() -> None:
    ours = send_message(a_letter(code="1927643500", offer="answer"))
    row = ours["reply_markup"]["inline_keyboard"][0]
    buttons = [telegram.InlineKeyboardButton(one["text"], callback_data=one["callback_data"]) for one in row]
    assert telegram.InlineKeyboardMarkup([buttons]).to_dict() == ours["reply_markup"]
    assert SendMessage.model_validate(ours).model_dump(include={"reply_markup"}, exclude_none=True) == {
        "reply_markup": ours["reply_markup"]
    }


async def test_aiogram_accepts_what_the_sandbox_answers(bot: Bot, all_means: tuple[str, FastAPI]) -> None:
    markup = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="کجا", request_location=True)]])
    sent = await bot.send_message(42, "سلام", reply_markup=markup)
    [told] = all_means[1].state.chats.of("telegram")
    assert (sent.chat.id, sent.text, sent.message_id) == (42, "سلام", told.number)
    assert (told.to, told.text, told.button) == ("42", "سلام", "location")


@pytest.mark.parametrize(("answer", "error"), ERRORS)
async def test_aiogram_knows_the_sandboxs_errors_for_telegrams(
    bot: Bot, telling: Telling, answer: str, error: type[Exception]
) -> None:
    telling.fail("telegram", answer=answer, retry_after=5)
    with pytest.raises(error) as raised:
        await bot.send_message(42, "سلام")
    if isinstance(raised.value, TelegramRetryAfter):
        assert raised.value.retry_after == 5
    assert telling.chats.of("telegram") == []


async def test_aiogram_knows_a_wrong_token_when_it_sees_one(all_means: tuple[str, FastAPI]) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(f"{all_means[0]}/telegram"))
    async with Bot("1:wrong", session=session) as bot:
        with pytest.raises(TelegramUnauthorizedError):
            await bot.send_message(42, "سلام")
    await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, None),
        ("blocked", telegram.error.Forbidden),
        ("gone", telegram.error.BadRequest),
        ("limited", telegram.error.RetryAfter),
    ],
)
async def test_python_telegram_bot_agrees(
    telling: Telling, monkeypatch: pytest.MonkeyPatch, answer: str | None, error: type[Exception] | None
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # else it warns of a change to come
    telling.fail("bale", answer=answer, retry_after=5)
    async with _theirs(f"{telling.url}/bale/bot") as bot:
        if error is None:
            sent = await bot.send_message(42, "سلام")
            assert sent.text == "سلام"
            return
        with pytest.raises(error):
            await bot.send_message(42, "سلام")


@asynccontextmanager
async def _theirs(url: str) -> AsyncIterator[telegram.Bot]:
    """python-telegram-bot's client, without the `getMe` that its own context asks first."""
    bot = telegram.Bot(TOKEN, base_url=url)
    yield bot
    await bot.request.shutdown()


@pytest.mark.parametrize(
    "said",
    [
        Said(chat=42, text="چاله"),
        Said(chat=42, lat=35.7, lon=51.4),
        Said(chat=42, phone="09121234567"),
        Said(chat=42, button="31"),
    ],
)
def test_a_citizen_of_the_sandbox_writes_as_telegram_would_say_it(said: Said) -> None:
    read = Update.model_validate(update(said))
    seen = read.message or read.callback_query
    assert seen is not None
    assert seen.from_user is not None
    assert seen.from_user.id == 42
    again: Any = telegram.Update.de_json(update(said), bot=None)
    assert again.effective_user.id == 42


async def test_every_messenger_says_whether_it_took_it(all_means: tuple[str, FastAPI]) -> None:
    for messenger in messengers(all_means[0]):
        letter = Letter(**{name: getattr(a_letter(code="1927643500"), name) for name in Letter.__slots__})
        assert (await messenger.send(letter)).fate is Fate.SENT
        await messenger.close()
    assert len(all_means[1].state.chats.told) == 7
    assert time.time() - all_means[1].state.chats.told[0].sent_at < 60
