"""What a citizen adds to a message after its accept, from the webhook to the event and the rows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from common.db import Database
from intake.attachments.files import MOST
from intake.conversation.heard import FileKind, FileRef, Heard, Point
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database
from tests.integration.http import Asked
from tests.integration.messengers import Messengers, messengers, now

NOISE = "سر و صدای کارگاه نمی‌گذارد بخوابیم"
PLACED = "منطقه ۳ سر و صداست"
POINT = {"lat": 35.7, "lon": 51.4}


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def intake(database: Database, keys: Keys) -> AsyncIterator[Messengers]:
    async with messengers(database, keys) as made:
        yield made


def sent(update: int, **given: Any) -> Heard:
    return Heard("telegram", "7", str(update), message=str(given.pop("message", update)), **given)


def photo(update: int) -> Heard:
    return sent(update, files=(FileRef(FileKind.PHOTO, f"file-{update}"),))


async def test_a_place_after_the_accept_goes_out_with_the_message_and_is_kept_and_told(intake: Messengers) -> None:
    await intake.conversations.hear([sent(1, text=NOISE)])
    await intake.until(now() + timedelta(minutes=11))
    await intake.conversations.hear([sent(2, point=Point(35.7, 51.4))])
    [message] = await intake.messages()
    [event] = await intake.events("message.amended.v1")
    assert (event["code"], event["text"], event["attachments"]) == (message["code"], NOISE, 0)
    assert event["place"] == POINT | {"region": None, "address": None}
    assert (message["text"], message["place"], [one["place"] for one in message["amended"]]) == (
        NOISE,
        None,
        [event["place"]],
    )
    told = (await intake.events("prompt.requested.v1"))[-1]
    assert (told["prompt"], told["values"]) == ("noted", {"code": message["code"]})


async def test_an_update_that_comes_again_amends_once(intake: Messengers) -> None:
    await intake.conversations.hear([sent(1, text=PLACED)])
    edit = sent(2, text=f"{PLACED} هر شب", message=1, edited=True)
    for _ in range(2):
        await intake.conversations.hear([edit])
    [message] = await intake.messages()
    assert [one["text"] for one in message["amended"]] == [f"{PLACED} هر شب"]
    assert len(await intake.events("message.amended.v1")) == 1


async def test_what_comes_with_its_message_in_one_transaction_goes_out_after_it(intake: Messengers) -> None:
    await intake.conversations.hear([sent(1, text=PLACED), photo(2), sent(3, point=Point(35.7, 51.4))])
    rows = await intake.rows("SELECT name, key FROM outbox WHERE name LIKE 'message%' ORDER BY id")
    assert [row["name"] for row in rows] == ["message.received.v1", *["message.amended.v1"] * 2]
    assert len({row["key"] for row in rows}) == 1


async def test_photos_are_counted_as_far_as_they_are_taken(intake: Messengers) -> None:
    await intake.conversations.hear([sent(1, text=PLACED), *(photo(n) for n in range(2, MOST + 4))])
    counts = [event["attachments"] for event in await intake.events("message.amended.v1")]
    assert counts == [1, 2, 3, 4, 5, 5, 5]
    assert await intake.prompts() == ["noted"]


async def test_what_was_urgent_takes_the_urgent_lane_also_when_its_words_are_calm_now(intake: Messengers) -> None:
    await intake.conversations.hear([sent(1, text="منطقه ۳ بوی شدید گاز می‌آید")])
    await intake.conversations.hear([sent(2, text=PLACED, message=1, edited=True)])
    await intake.conversations.hear([photo(3)])
    assert [event["text"] for event in await intake.events("urgent.message.amended.v1")] == [PLACED] * 2
    assert await intake.events("message.amended.v1") == []


async def test_who_reads_a_message_reads_what_was_added(intake: Messengers, keys: Keys) -> None:
    await intake.conversations.hear([sent(1, text=PLACED)])
    await intake.conversations.hear([sent(2, point=Point(35.7, 51.4))])
    [message] = await intake.messages()
    shown = (await Asked(intake.app, keys).get(f"/v1/messages/{message['code']}", "operator")).json()
    assert (shown["text"], shown["place"]) == (PLACED, None)
    [added] = shown["amended"]
    assert (added["place"]["lat"], added["received_at"] >= shown["received_at"]) == (35.7, True)
