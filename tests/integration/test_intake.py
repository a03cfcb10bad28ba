import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.app import Service
from common.codes import is_code
from common.db import Database
from common.persian import persian_digits
from intake import contact
from intake.app import create_app
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside

MESSAGE = {"text": "جوی محله پر از زباله است", "phone": "۰۹۱۲۱۲۳۴۵۶۷"}


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def intake(database: Database, keys: Keys) -> AsyncIterator[Asked]:
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    service: Service = app.state.service
    accept: Any = app.state.reception
    async with beside(accept._accept.run()):
        yield Asked(app, keys)
    await service.database.close()


async def rows(database: Database, query: str) -> list[Any]:
    async with database.transaction() as tx:
        return await tx.fetch(query)


async def test_a_message_is_stored_with_its_event_and_answered_with_its_code(intake: Asked, database: Database) -> None:
    answer = await intake.post("/v1/app/messages", "app", MESSAGE)
    assert answer.status_code == 202
    code = answer.json()["code"]
    assert is_code(code)
    assert answer.headers["location"] == f"/v1/messages/{code}"
    [stored] = await rows(database, "SELECT * FROM messages")
    [event] = await rows(database, "SELECT o.* FROM outbox o JOIN outbox_pending p ON o.id = ANY (p.ids)")
    assert (stored["code"], stored["channel"]) == (code, "app")
    assert (event["key"], event["name"], event["stream"]) == (code, "message.received.v1", "messages.v1")
    assert "9121234567" not in str(dict(stored)) + event["body"]


async def test_the_same_key_gets_the_first_answer_again_and_another_body_422(intake: Asked, database: Database) -> None:
    first = await intake.post("/v1/app/messages", "app", MESSAGE, Idempotency_Key="a")
    again = await intake.post("/v1/app/messages", "app", MESSAGE, Idempotency_Key="a")
    other = await intake.post("/v1/app/messages", "app", MESSAGE | {"text": "x"}, Idempotency_Key="a")
    stranger = await intake.post("/v1/app/messages", "app:citizen-2", MESSAGE, Idempotency_Key="a")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    assert stranger.json()["code"] != first.json()["code"]
    assert len(await rows(database, "SELECT 1 FROM messages")) == 2


async def test_a_hundred_at_once_with_the_same_key_are_one_message(intake: Asked, database: Database) -> None:
    posts = [intake.post("/v1/app/messages", "app", MESSAGE, Idempotency_Key="b") for _ in range(100)]
    codes = {answer.json()["code"] for answer in await asyncio.gather(*posts)}
    assert len(codes) == len(await rows(database, "SELECT 1 FROM messages")) == 1


async def test_a_code_that_is_taken_is_drawn_again(
    intake: Asked, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await intake.post("/v1/app/messages", "app", MESSAGE)).json()["code"]
    drawn = iter([first, first, "1111111116"])
    monkeypatch.setattr(contact, "new_code", lambda: next(drawn))
    second = (await intake.post("/v1/app/messages", "app", MESSAGE)).json()["code"]
    assert second == "1111111116"
    events = await rows(database, "SELECT key FROM outbox ORDER BY id")
    assert {event["key"] for event in events} == {first, second}


async def test_what_a_platform_sends_twice_is_accepted_once(intake: Asked, database: Database) -> None:
    body = MESSAGE | {"platform": "bale", "user_id": "7", "message_id": "1"}
    first = await intake.post("/v1/social/messages", "bot", body)
    again = await intake.post("/v1/social/messages", "bot", body | {"text": "ویرایش شد"})
    assert again.json() == first.json()
    assert len(await rows(database, "SELECT 1 FROM messages")) == 1


@pytest.mark.parametrize("channel", ["app", "phone", "social", "push"])
async def test_no_bot_speaks_for_a_citizen_of_another_channel(intake: Asked, database: Database, channel: str) -> None:
    body = MESSAGE | {"platform": channel, "user_id": "citizen-1", "message_id": "1", "text": "31"}
    answer = await intake.post("/v1/social/messages", "bot", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/platform")
    assert await rows(database, "SELECT 1 FROM outbox") == []


async def test_a_31_by_sms_is_a_reply_keyed_by_the_number_or_the_code(intake: Asked, database: Database) -> None:
    code = (await intake.post("/v1/app/messages", "app", MESSAGE)).json()["code"]
    sms = {"platform": "sms", "user_id": "09121234567", "phone": "09121234567"}
    plain = await intake.post("/v1/social/messages", "bot", sms | {"message_id": "1", "text": "۳۱"})
    named = await intake.post(
        "/v1/social/messages", "bot", sms | {"message_id": "2", "text": f"33 {persian_digits(code)}"}
    )
    assert (plain.json()["code"], named.json()["code"]) == (None, code)
    events = await rows(database, "SELECT key FROM outbox WHERE name = 'reply.received.v1' ORDER BY id")
    assert events[1]["key"] == code
    assert len(events[0]["key"]) == 64
    assert len(await rows(database, "SELECT 1 FROM messages")) == 1


async def test_a_field_that_does_not_fit_is_named(intake: Asked, database: Database) -> None:
    answer = await intake.post("/v1/app/messages", "app", {"text": "x", "place": {"lat": 99, "lon": 51}})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == "/place/lat"
    too_large = await intake.post("/v1/app/messages", "app", {"text": "x" * 70_000})
    assert too_large.status_code == 413
    assert await rows(database, "SELECT 1 FROM messages") == []


async def test_who_may_read_a_message_back(intake: Asked) -> None:
    code = (await intake.post("/v1/app/messages", "app", MESSAGE)).json()["code"]
    path = f"/v1/messages/{code}"
    own = await intake.get(path, "app")
    assert (own.status_code, own.json()["phone"]) == (200, "0912•••4567")
    assert (await intake.get(path, "app:citizen-2")).status_code == 404
    assert (await intake.get(path, "operator")).json()["phone"] == "+989121234567"
    assert (await intake.get("/v1/messages/0000000001", "operator")).status_code == 404


async def test_call_events_count_once_in_any_order_and_the_queue_is_the_tables(
    intake: Asked, database: Database
) -> None:
    now = datetime.now(UTC)
    about = {"call_id": "c1", "queue": "137"}
    joined = about | {"event": "joined", "at": (now - timedelta(seconds=60)).isoformat(), "caller": "09121234567"}
    answered = about | {"event": "answered", "at": now.isoformat(), "agent": "a1"}
    waiting = {"call_id": "c2", "queue": "137", "event": "joined", "at": (now - timedelta(seconds=30)).isoformat()}
    first = await intake.post("/v1/phone/events", "service", {"events": [answered, waiting]})
    again = await intake.post("/v1/phone/events", "service", {"events": [joined, answered, joined]})
    assert (first.json()["fresh"], again.json()["fresh"]) == (2, 1)
    [queue] = (await intake.get("/v1/phone/queues", "operator")).json()
    assert queue["waiting"] == 1
    assert 29 < queue["longest_wait_seconds"] < 40
    [call] = await rows(database, "SELECT * FROM calls WHERE call_id = 'c1'")
    assert call["answered_at"] - call["joined_at"] == timedelta(seconds=60)
    assert len(await rows(database, "SELECT 1 FROM outbox WHERE name = 'call.changed.v1'")) == 3


@pytest.mark.parametrize("told", ["2016-03-20T08:00:00Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+03:30"])
async def test_a_call_event_of_an_impossible_time_counts_once(intake: Asked, database: Database, told: str) -> None:
    joined = {"call_id": "c1", "queue": "137", "event": "joined", "at": told}
    before = datetime.now(UTC)
    answers = [await intake.post("/v1/phone/events", "service", {"events": [joined]}) for _ in range(2)]
    assert [answer.json()["fresh"] for answer in answers] == [1, 0]
    assert [answer.json()["warnings"][0][:12] for answer in answers] == ["/events/0/at"] * 2
    [call] = await rows(database, "SELECT * FROM calls")
    assert call["joined_at"] == call["last_joined_at"] >= before
    assert len(await rows(database, "SELECT 1 FROM outbox WHERE name = 'call.changed.v1'")) == 1


async def test_too_many_waiting_are_refused_and_not_stored(database: Database, keys: Keys) -> None:
    settings = service_settings(database.address, keys) | {"most_waiting": 10}
    app = create_app(Settings.model_construct(None, **settings))
    reception: Any = app.state.reception
    asked = Asked(app, keys)
    posts = [asyncio.create_task(asked.post("/v1/app/messages", "app", MESSAGE)) for _ in range(30)]
    async with asyncio.timeout(90):
        while sum(post.done() for post in posts) < 20:
            await asyncio.sleep(0.01)
    async with beside(reception._accept.run()):
        answers = await asyncio.gather(*posts)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 20
    assert all(answer.headers["retry-after"] for answer in refused)
    accepted = {answer.json()["code"] for answer in answers if answer.status_code == 202}
    assert accepted == {row["code"] for row in await rows(database, "SELECT code FROM messages")}
    await app.state.service.database.close()


async def test_one_bad_item_of_a_group_fails_alone(
    intake: Asked, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intake import accept

    real = accept._message_row

    def broken(one: Any) -> dict[str, object]:
        if one.event.text == "bad":
            raise ValueError("this one alone")
        return real(one)

    monkeypatch.setattr(accept, "_message_row", broken)
    texts = ["good", "bad", "fine"] * 5
    answers = await asyncio.gather(
        *(intake.post("/v1/app/messages", "app", {"text": text}) for text in texts), return_exceptions=True
    )
    good = [a for a in answers if not isinstance(a, BaseException) and a.status_code == 202]
    assert len(good) == 10
    assert len(await rows(database, "SELECT 1 FROM messages")) == 10
