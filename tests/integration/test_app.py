"""The Tehran Man app: a citizen sees the own messages, says what they think of the answer, finds what is open near."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from common.http import encode_cursor
from common.signs import may_be_urgent
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.integration.app_city import POINT, POTHOLE, AppCity, an_app_city

OTHER = "app:citizen-2"


@pytest.fixture
async def city(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[AppCity]:
    async with an_app_city(postgres, database_name, keys, routing_is_there=True) as made:
        yield made


@pytest.fixture
async def alone(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[AppCity]:
    """Intake while routing is away."""
    async with an_app_city(postgres, database_name, keys, routing_is_there=False) as made:
        yield made


async def test_a_citizen_sees_the_own_messages_newest_first_with_where_each_stands(city: AppCity) -> None:
    first = await city.post()
    await city.post(OTHER)
    await city.pass_on()
    second = await city.post(text="سطل زباله سر کوچه ما را عوض کنید", topic="US-WASTE-BIN")
    page = await city.get("messages")
    assert [(item["code"], item["status"]) for item in page["items"]] == [(second, "registered"), (first, "referred")]
    assert (page["next_cursor"], page["warnings"]) == (None, [])
    shown = page["items"][1]
    assert (shown["topic_title"], shown["words"]) == ("لکه‌گیری و چاله", "ارجاع شده و در نوبت رسیدگی است")
    assert shown["place"] == POINT | {"region": None, "address": None}
    assert (shown["deadline"] is None, shown["may"]) == (False, [])


async def test_a_long_list_pages_without_a_gap_and_without_a_repeat(city: AppCity) -> None:
    codes = [await city.post(text=f"چاله {n}") for n in range(7)]
    seen, cursor = [], None
    for _ in range(4):
        page = await city.get("messages", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [item["code"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == codes[::-1]
    assert cursor is None
    assert [len((await city.get("messages", limit=n))["items"]) for n in (7, 200)] == [7, 7]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        encode_cursor("now", "1234567897"),
        encode_cursor("2026-01-01T00:00:00", "1234567897"),
        encode_cursor("2026-01-01T00:00:00+00:00", "\x00"),
        encode_cursor(1, 2),
        encode_cursor({}, []),
    ],
)
async def test_a_cursor_that_is_not_ours_is_422(alone: AppCity, cursor: str) -> None:
    assert (await alone.asked.get("/v1/app/messages", "app", cursor=cursor)).status_code == 422
    assert (await alone.asked.get("/v1/app/messages", "app", limit=201)).status_code == 422


async def test_the_way_of_a_message_is_told_in_words_without_those_of_staff(city: AppCity) -> None:
    code = await city.post()
    await city.pass_on()
    await city.answered(code)
    shown = await city.get(f"messages/{code}")
    assert (shown["status"], shown["may"], shown["attachments"]) == ("answered", ["accept", "object"], 0)
    assert [step["words"] for step in shown["history"]][:2] == ["ثبت شد", "به شهرداری منطقه 2 ارجاع شد"]
    assert (shown["history"][-1]["outcome"], shown["warnings"]) == ("چاله پر شد", [])
    assert "درون‌سازمانی" not in str(shown)
    assert "supervisor" not in str(shown)


async def test_another_citizens_message_is_404_to_read_and_to_answer(city: AppCity) -> None:
    code = await city.post()
    for who in (OTHER, "admin"):
        assert (await city.asked.get(f"/v1/app/messages/{code}", who)).status_code == 404
        assert (await city.feedback(code, who, answer="object")).status_code == 404
    assert (await city.asked.get("/v1/app/messages/1234567890", "app")).status_code == 404
    assert (await city.get("messages", OTHER))["items"] == []
    assert await city.rows("SELECT 1 FROM replies") == []


async def test_feedback_is_taken_once_under_its_key_and_its_stars_reach_the_case(city: AppCity) -> None:
    code = await city.post()
    await city.pass_on()
    await city.answered(code)
    given: dict[str, Any] = {"answer": "object", "stars": 2, "reason": "هنوز چاله است"}
    first = await city.feedback(code, key="a", **given)
    await city.pass_on()
    again = await city.feedback(code, key="a", **given)
    assert (first.status_code, first.json()["code"]) == (202, code)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert (await city.feedback(code, key="a", answer="accept")).status_code == 422
    case = await city.routing.case(code)
    assert (case["status"], case["history"][-1]["detail"]) == ("reopened", {"stars": 2, "words": "هنوز چاله است"})
    [reply] = await city.rows("SELECT * FROM replies")
    assert (reply["answer"], reply["stars"], reply["text"], reply["code"]) == ("objected", 2, "هنوز چاله است", code)


async def test_an_acceptance_needs_no_words(city: AppCity) -> None:
    code = await city.post()
    await city.pass_on()
    await city.answered(code)
    assert (await city.feedback(code, answer="accept")).status_code == 202
    await city.pass_on()
    shown = await city.get(f"messages/{code}")
    assert (shown["status"], shown["may"]) == ("accepted", [])
    assert shown["history"][-1]["words"] == "پاسخ را تایید کردید"


async def test_a_case_that_awaits_no_reply_is_409_with_what_is_allowed(city: AppCity) -> None:
    code = await city.post()
    early = await city.feedback(code, answer="accept")
    assert (early.status_code, early.json()["allowed"]) == (409, [])
    thanks = await city.post(text="از رفتگر محله ممنونم", topic=None, kind="thanks")
    await city.pass_on()
    assert (await city.feedback(code, answer="accept")).json()["allowed"] == []
    closed = await city.feedback(thanks, answer="accept")
    assert (closed.status_code, closed.json()["allowed"]) == (409, ["object"])
    assert await city.rows("SELECT 1 FROM replies") == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"answer": "maybe"}, "/answer"),
        ({"answer": "accept", "stars": 6}, "/stars"),
        ({"answer": "accept", "stars": True}, "/stars"),
        ({"answer": "object", "reason": "  "}, "/reason"),
        ({"answer": "object", "more": 1}, "/more"),
        ({}, "/answer"),
    ],
)
async def test_feedback_that_does_not_fit_names_its_field(alone: AppCity, body: Any, pointer: str) -> None:
    code = await alone.post()
    answer = await alone.feedback(code, **body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_while_routing_is_away_messages_are_shown_and_feedback_is_taken(alone: AppCity) -> None:
    code = await alone.post()
    page, one = await alone.get("messages"), await alone.get(f"messages/{code}")
    assert [(item["code"], item["status"]) for item in page["items"]] == [(code, None)]
    assert page["warnings"] == one["warnings"] != []
    assert (one["text"], one["history"]) == (POTHOLE, [])
    assert (await alone.feedback(code, answer="accept", stars=5)).status_code == 202
    assert (await alone.get("nearby", topic="TC-POTHOLE", **POINT))["warnings"] != []
    assert (await alone.asked.get("/v1/app/topics", "app")).status_code == 503


async def test_the_topics_are_a_tree_that_says_what_each_asks_for(city: AppCity) -> None:
    found = await city.get("topics")
    groups = {group["deputy"]: group for group in found["items"]}
    assert groups["technical-civil"]["title_fa"] == "فنی و عمران"
    pothole = next(topic for topic in groups["technical-civil"]["topics"] if topic["code"] == "TC-POTHOLE")
    assert (pothole["wants_place"], pothole["wants_photo"], pothole["urgent"], pothole["ours"]) == (
        True,
        True,
        False,
        True,
    )
    assert not any(topic["ours"] for topic in groups["out-of-scope"]["topics"])
    assert sum(len(group["topics"]) for group in found["items"]) == 67
    assert all(may_be_urgent(words, None) for words in found["urgent_words"])


async def test_a_citizen_joins_what_is_open_near_by_without_learning_its_code(city: AppCity) -> None:
    first = await city.post(OTHER)
    await city.pass_on()
    found = await city.get("nearby", topic="TC-POTHOLE", lat=POINT["lat"] + 0.0001, lon=POINT["lon"])
    [near] = found["items"]
    assert (near["topic_title"], near["distance_m"], near["citizens"]) == ("لکه‌گیری و چاله", 10, 1)
    assert first not in str(found)
    vague: dict[str, Any] = {"text": "لطفا رسیدگی کنید", "joins": near["reference"]}
    mine = await city.post(**vague)
    await city.pass_on()
    assert (await city.routing.case(mine))["parent"] == first
    [near] = (await city.get("nearby", topic="TC-POTHOLE", **POINT))["items"]
    assert near["citizens"] == 2
    await city.answered(first)
    assert (await city.get(f"messages/{mine}"))["history"][-1]["outcome"] == "چاله پر شد"


async def test_only_a_reference_that_nearby_gave_can_be_joined(city: AppCity) -> None:
    other = await city.post(OTHER)
    sealed = city.routing.sealer.seal(other)
    for reference in (other, sealed, sealed[:-4], "", "k1:", "k1:AAAA", "x" * 300):
        body = {"text": POTHOLE, "joins": reference}
        answer = await city.asked.post("/v1/app/messages", "app", body)
        assert answer.status_code == (422 if reference else 202)
        if reference:
            assert answer.json()["errors"][0]["pointer"] == "/joins"


@pytest.mark.parametrize("query", [{"topic": "XX-NONE"}, {"lat": 99}, {"topic": None}])
async def test_a_question_for_what_is_near_that_does_not_fit_is_422(city: AppCity, query: dict[str, Any]) -> None:
    asked = {"topic": "TC-POTHOLE", **POINT} | query
    given = {name: value for name, value in asked.items() if value is not None}
    assert (await city.asked.get("/v1/app/nearby", "app", **given)).status_code == 422


async def test_fifty_messages_written_offline_and_sent_twice_in_another_order_are_fifty(alone: AppCity) -> None:
    written = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    times = [written + timedelta(hours=n) for n in range(50)]
    bodies = {f"offline-{n}": {"text": f"چاله {n}", "occurred_at": at.isoformat()} for n, at in enumerate(times)}
    first, again = list(bodies), list(bodies)
    random.Random(5).shuffle(again)
    answers = [
        dict(zip(keys, await asyncio.gather(*(_send(alone, key, bodies[key]) for key in keys)), strict=True))
        for keys in (first, again)
    ]
    assert answers[0] == answers[1]
    stored = {row["text"]: row["occurred_at"] for row in await alone.rows("SELECT text, occurred_at FROM messages")}
    assert stored == {f"چاله {n}": at for n, at in enumerate(times)}


async def _send(city: AppCity, key: str, body: Any) -> str:
    answer = await city.asked.post("/v1/app/messages", "app", body, Idempotency_Key=key, Device_Id="phone-1")
    assert answer.status_code == 202
    assert answer.json().get("warnings") is None
    code: str = answer.json()["code"]
    return code


async def test_a_key_is_its_citizens_own_though_one_app_speaks_for_all(alone: AppCity, keys: Keys) -> None:
    codes = [await _send_as(alone, keys.token("app", unit="app-1", citizen=who)) for who in ("a", "b", "a")]
    assert codes[0] == codes[2] != codes[1]
    assert [row["citizen"] for row in await alone.rows("SELECT citizen FROM messages ORDER BY citizen")] == ["a", "b"]


async def _send_as(city: AppCity, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "1"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(city.asked.app), base_url="http://service") as client:
        answer = await client.post("/v1/app/messages", json={"text": "سطل زباله پر است"}, headers=headers)
    assert answer.status_code == 202
    return str(answer.json()["code"])
