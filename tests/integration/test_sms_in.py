import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from common.codes import new_code
from common.persian import persian_digits
from intake.channels.sms.beside import Inbox, Kavenegar, Poll
from intake.channels.sms.parts import WAIT
from intake.conversation.conversations import Conversations
from intake.conversation.heard import Heard
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import beside
from tests.integration.webhooks import Platforms, platforms_of
from tests.payloads import sms_form

TEXT = "آسفالت کوچه خراب است"
FULL = "آب گرفتگی " * 6 + "معبرها."  # 67 letters, as many as a part has
LATER = WAIT + timedelta(seconds=1)


@pytest.fixture
async def platforms(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Platforms]:
    database = await a_database(postgres, "intake", database_name)
    async with platforms_of(database, keys) as made:
        yield made
    await database.close()


async def test_an_sms_is_a_message_at_once_and_nobody_is_asked(platforms: Platforms) -> None:
    form = sms_form(message=TEXT)
    assert (await platforms.sms(form)).status_code == 200
    assert (await platforms.sms(form)).status_code == 200
    assert await platforms.texts() == [TEXT]
    [row] = await platforms.rows("SELECT platform, phone, phone_lookup FROM messages")
    assert row["platform"] == "sms"
    assert platforms.sealer.open(row["phone"]) == "+989121234567"
    assert row["phone_lookup"] == platforms.sealer.lookup("+989121234567")
    assert await platforms.events() == ["message.received.v1"]


async def test_a_31_is_a_reply_of_that_number(platforms: Platforms) -> None:
    await platforms.sms(sms_form(message="۳۱ ممنون"))
    await platforms.sms(sms_form(message="۳۳، هنوز تاریک است" + " و کسی نیامد" * 20))
    rows = await platforms.rows("SELECT answer, phone_lookup, text FROM replies ORDER BY received_at")
    assert [row["answer"] for row in rows] == ["accepted", "objected"]
    assert {row["phone_lookup"] for row in rows} == {platforms.sealer.lookup("+989121234567")}
    assert await platforms.texts() == []


async def test_a_question_after_a_code_is_one(platforms: Platforms) -> None:
    await platforms.sms(sms_form(message=f"کد {persian_digits(new_code())} چه شد؟"))
    assert "status.asked.v1" in await platforms.events()
    assert await platforms.texts() == []


async def test_parts_are_one_message_whatever_is_sent_again(platforms: Platforms) -> None:
    first, last = sms_form(messageid="7", message=FULL), sms_form(messageid="8", message=TEXT)
    for form in (first, last, first, last):
        assert (await platforms.sms(form)).status_code == 200
    await platforms.inbox.join(datetime.now(UTC))
    assert await platforms.texts() == [FULL + TEXT]
    await platforms.sms(last)
    await platforms.inbox.join(datetime.now(UTC) + LATER)
    assert await platforms.texts() == [FULL + TEXT]
    assert "9121234567" not in str(await platforms.rows("SELECT * FROM sms_parts"))


async def test_a_full_text_waits_for_a_next_one_that_may_not_come(platforms: Platforms) -> None:
    await platforms.sms(sms_form(message=FULL))
    await platforms.inbox.join(datetime.now(UTC))
    assert await platforms.texts() == []
    await platforms.inbox.join(datetime.now(UTC) + LATER)
    assert await platforms.texts() == [FULL]


async def test_what_was_heard_alone_is_no_part_when_it_comes_again(platforms: Platforms) -> None:
    short = sms_form(messageid="6", message=TEXT)
    await platforms.sms(short)
    await platforms.sms(sms_form(messageid="7", message=FULL))
    await platforms.sms(short)
    await platforms.inbox.join(datetime.now(UTC) + LATER)
    assert sorted(await platforms.texts()) == sorted([TEXT, FULL])


async def test_what_was_joined_and_not_marked_before_a_crash_counts_once(platforms: Platforms) -> None:
    await platforms.sms(sms_form(messageid="7", message=FULL))
    await platforms.inbox.join(datetime.now(UTC) + LATER)
    await platforms.rows("UPDATE sms_parts SET heard_at = NULL RETURNING id")
    await platforms.inbox.join(datetime.now(UTC) + LATER)
    assert await platforms.texts() == [FULL]
    [row] = await platforms.rows("SELECT heard_at FROM sms_parts")
    assert row["heard_at"] is not None


async def test_a_part_whose_key_is_lost_is_accepted_and_holds_up_no_other(platforms: Platforms) -> None:
    await platforms.sms(sms_form(messageid="7", message=FULL))
    await platforms.rows("UPDATE sms_parts SET number = 'lost:AAAA' RETURNING id")
    await platforms.sms(sms_form(messageid="8", message=FULL, **{"from": "09351112233"}))
    await platforms.inbox.join(datetime.now(UTC) + LATER)
    rows = await platforms.rows("SELECT text, phone FROM messages")
    assert [row["text"] for row in rows] == [FULL, FULL]
    assert sum(row["phone"] is None for row in rows) == 1


class Provider:
    """Speaks `receive` of Kavenegar; what was read is given again only to who asks for it."""

    def __init__(self) -> None:
        self.unread: list[dict[str, Any]] = []
        self.read: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.fails = False

    def comes_in(self, message: str, *, ago: timedelta = timedelta()) -> None:
        """A citizen's SMS reaches the line."""
        number = len(self.unread) + len(self.read)
        date = int((datetime.now(UTC) - ago).timestamp())
        sms = {"messageid": 900 + number, "message": message, "sender": f"0912123456{number}", "receptor": "10004346"}
        self.unread.append(sms | {"date": date})

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the provider answers; a failure comes after it marked what it gave as read."""
        query = parse_qs(request.url.query.decode())
        assert query["linenumber"] == ["10004346"]
        self.asked.append(query["isread"][0])
        if query["isread"] == ["1"]:
            given = self.read[-100:]
        else:
            given, self.unread = self.unread, []
            self.read += given
        if self.fails:
            return httpx.Response(502)
        return httpx.Response(200, content=json.dumps({"return": {"status": 200}, "entries": given or None}))


@pytest.fixture
def provider() -> Provider:
    return Provider()


def poll(platforms: Platforms, provider: Provider, keys: Keys, inbox: Inbox | None = None) -> Poll:
    asked = {"sms_poll_url": "http://provider", "sms_poll_key": "k", "sms_poll_line": "10004346"}
    settings = Settings.model_construct(None, **service_settings("", keys) | asked)
    return Poll(Kavenegar(settings, transport=httpx.MockTransport(provider.answer)), inbox or platforms.inbox)


async def test_sms_are_asked_for_where_they_cannot_be_posted(
    platforms: Platforms, provider: Provider, keys: Keys
) -> None:
    asking = poll(platforms, provider, keys)
    provider.comes_in(TEXT)
    provider.comes_in("۳۱")
    await asking.once()
    await asking.once()
    assert await platforms.texts() == [TEXT]
    assert len(await platforms.rows("SELECT 1 FROM replies")) == 1
    assert provider.asked == ["1", "0", "0"]


async def test_what_was_given_and_not_stored_is_asked_for_again(
    platforms: Platforms, provider: Provider, keys: Keys
) -> None:
    asking = poll(platforms, provider, keys)
    await asking.once()
    provider.comes_in(TEXT)
    provider.fails = True
    with pytest.raises(ValueError, match=r"."):
        await asking.once()
    provider.fails = False
    provider.comes_in("دیگر", ago=timedelta(days=3))
    provider.read.append(provider.unread.pop())  # read long ago by another
    await asking.once()
    assert await platforms.texts() == [TEXT]


async def test_what_is_asked_for_and_cannot_be_read_is_kept_for_inspection_once(
    platforms: Platforms, provider: Provider, keys: Keys
) -> None:
    provider.comes_in(TEXT)
    advert = provider.unread[0] | {"messageid": 1, "sender": "PARDAKHT"}
    provider.unread += [advert, {"date": advert["date"]}, {}, advert | {"date": 1}]
    for _ in range(2):  # after a start the last hundred are given again
        await poll(platforms, provider, keys).once()
    assert sorted(await platforms.inspected()) == [
        "/from: value_error",
        "/from: value_error",
        "/messageid: missing",
        "/messageid: missing",
    ]
    assert await platforms.texts() == [TEXT]
    assert "PARDAKHT" not in str(await platforms.rows("SELECT * FROM inspected"))


class Picky:
    """Hears all but one text, as if that could not be stored."""

    def __init__(self, conversations: Conversations, refused: str) -> None:
        self._conversations = conversations
        self._refused = refused

    async def hear(self, heard: Sequence[Heard]) -> None:
        """LookupError for all that come together with the one text."""
        if any(one.text == self._refused for one in heard):
            raise LookupError("no")
        await self._conversations.hear(heard)


async def test_one_sms_that_cannot_be_stored_holds_up_none_that_came_with_it(
    platforms: Platforms, provider: Provider, keys: Keys
) -> None:
    picky = Picky(platforms.app.state.conversations, "این یکی")
    inbox = Inbox(platforms.app.state.service, platforms.app.state.service.settings, hears=picky)
    for text in (TEXT, "این یکی", f"{TEXT} هنوز"):
        provider.comes_in(text)
    async with beside(inbox.run()):
        await poll(platforms, provider, keys, inbox).once()
    assert await platforms.texts() == [TEXT, f"{TEXT} هنوز"]
    assert await platforms.inspected() == ["LookupError"]
