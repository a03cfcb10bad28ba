from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from common.events import Channel, Kind, MessageReceived, Place
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_message, an_address
from tests.integration.test_routing import Routing, a_routing


@pytest.fixture
async def routing(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Routing]:
    async with a_routing(postgres, database_name, keys) as made:
        yield made


async def pages(routing: Routing, path: str, who: str, **query: Any) -> list[str]:
    """The codes of all pages, of two cases each."""
    codes: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await routing.asked.get(path, who, limit=2, **query, **cursor)
        assert answer.status_code == 200, answer.text
        codes += [case["code"] for case in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            return codes
        cursor = {"cursor": answer.json()["next_cursor"]}


def codes_of(*messages: MessageReceived) -> list[str]:
    return [message.code for message in messages]


def in_region(region: int, **given: Any) -> MessageReceived:
    return a_message(place=Place(region=region), **given)


async def filters_of(routing: Routing, who: str) -> list[str]:
    return [saved["name"] for saved in (await routing.asked.get("/v1/filters", who)).json()["items"]]


async def bulk(routing: Routing, action: str, cases: dict[str, int], body: Any, who: str, **headers: str) -> Any:
    named = [{"code": code, "revision": revision} for code, revision in cases.items()]
    asked = {"action": action, "cases": named, "body": body}
    return await routing.asked.post("/v1/cases/bulk", who, asked, **headers)


async def test_a_list_by_deadline_mixes_urgent_and_not_and_pages_through_all(routing: Routing) -> None:
    old = [a_message(received_at=NOW - timedelta(days=n)) for n in (9, 8, 7)]
    urgent = [a_message(topic="GS-TREE-FALL", received_at=NOW - timedelta(minutes=n)) for n in (2, 1)]
    await routing.receive(*urgent, *old)
    assert await pages(routing, "/v1/cases", "supervisor", sort="deadline") == codes_of(*old, *urgent)
    assert await pages(routing, "/v1/cases", "staff:region-5") == codes_of(*urgent, *old)
    assert await pages(routing, "/v1/cases", "staff:region-5", sort="received_at") == codes_of(
        *reversed(urgent), *reversed(old)
    )


async def test_pages_of_a_list_that_is_not_overdue_hold_each_case_once(routing: Routing) -> None:
    late, first = a_message(received_at=NOW - timedelta(days=9)), await routing.answered()
    fresh = [a_message(received_at=NOW - timedelta(minutes=n)) for n in (3, 2, 1)]
    await routing.receive(late, *fresh)
    for sort in ("work", "deadline", "received_at"):
        listed = await pages(routing, "/v1/cases", "supervisor", sort=sort, overdue=False)
        assert sorted(listed) == sorted([first, *codes_of(*fresh)])
    assert await pages(routing, "/v1/cases", "supervisor", overdue=True) == [late.code]


async def test_a_cursor_of_another_order_is_refused(routing: Routing) -> None:
    await routing.receive(*(a_message() for _ in range(3)))
    cursor = (await routing.asked.get("/v1/cases", "supervisor", limit=1)).json()["next_cursor"]
    other = await routing.asked.get("/v1/cases", "supervisor", sort="deadline", cursor=cursor)
    assert other.status_code == 422


async def test_each_filter_finds_its_own(routing: Routing) -> None:
    point = Place(lat=35.7550, lon=51.3051)  # in nahiye 1 of region 5
    at = NOW - timedelta(days=3)
    plain = a_message(received_at=at)
    idea, call, north = a_message(kind=Kind.SUGGESTION), a_message(channel=Channel.PHONE), in_region(1)
    near, sign = a_message(place=point), a_message(topic="GS-TREE-FALL")
    await routing.receive(plain, idea, call, north, near, sign)
    done = await routing.answered()
    found: dict[str, tuple[dict[str, Any], str]] = {
        "kind": ({"kind": "suggestion"}, idea.code),
        "channel": ({"channel": "phone"}, call.code),
        "region": ({"region": 1}, north.code),
        "nahiye": ({"region": 5, "nahiye": 1}, near.code),
        "topic": ({"topic": "GS-TREE-FALL"}, sign.code),
        "open": ({"open": False}, done),
        "until": ({"until": (at + timedelta(hours=1)).isoformat()}, plain.code),
        "code": ({"code": near.code}, near.code),
    }
    for sort in ("work", "received_at"):
        for name, (query, code) in found.items():
            assert await pages(routing, "/v1/cases", "supervisor", sort=sort, **query) == [code], (sort, name)
    assert len(await pages(routing, "/v1/cases", "supervisor", since=NOW.isoformat())) == 6
    assert (await routing.asked.get("/v1/cases", "supervisor", nahiye=1)).status_code == 422


async def test_counts_are_of_open_cases_and_of_what_the_caller_may_see(routing: Routing) -> None:
    await routing.answered()
    late = a_message(received_at=NOW - timedelta(days=9))
    await routing.receive(late, a_message(topic="GS-TREE-FALL"), in_region(6))
    all_open = (await routing.asked.get("/v1/cases/counts", "supervisor")).json()
    units: Counter[str] = Counter()
    for unit, count in all_open["unit"].items():  # at night the urgent one is with who is on call
        units[unit.removesuffix("-oncall")] += count
    all_open["unit"] = units
    assert all_open == {
        "total": 3,
        "at_least": False,
        "status": {"referred": 3},
        "unit": {"region-5": 2, "region-6": 1},
        "topic": {"US-GUTTER": 2, "GS-TREE-FALL": 1},
        "urgent": 1,
        "overdue": 1,
    }
    own = (await routing.asked.get("/v1/cases/counts", "staff:region-6")).json()
    assert (own["total"], own["unit"], own["urgent"]) == (1, {"region-6": 1}, 0)
    closed = (await routing.asked.get("/v1/cases/counts", "supervisor", open=False)).json()
    assert (closed["status"], closed["overdue"]) == ({"answered": 1}, 0)
    assert (await routing.asked.get("/v1/cases/counts", "supervisor", overdue=True)).json()["total"] == 1
    assert (await routing.asked.get("/v1/cases/counts", "staff:region-6", unit="region-5")).json()["total"] == 0


async def test_a_search_finds_words_spelled_any_way_in_text_and_address(routing: Routing) -> None:
    at = [NOW - timedelta(days=days) for days in (0, 2, 30, 400)]
    address = Place(region=5, address="خیابان شهید بهشتی، پلاک ۱۲")
    here = a_message(text="چاله‌ی بزرگ در پیاده‌رو", place=address, received_at=at[0])
    plain, older = (a_message(text="چاله در پياده رو", received_at=moment) for moment in at[1:3])
    oldest = a_message(text="چراغ پیادهرو خاموش است", received_at=at[3])
    await routing.receive(older, here, oldest, plain)
    found = {
        "پیاده رو": [here, plain, older, oldest],
        "چاله پیاده‌رو": [here, plain, older],
        "بهشتی چاله": [here],
        "پلاک 12": [here],
        "پلاک 1": [],
        "چا": [here, plain, older],
        "چراغ خام": [oldest],
        "چراغ بهشتی": [],
        "خاموش چر": [oldest],
    }
    for asked, expected in found.items():
        assert await pages(routing, "/v1/cases/search", "operator", q=asked) == codes_of(*expected), asked


async def test_a_code_finds_its_case_and_no_word_is_refused(routing: Routing) -> None:
    await routing.receive(message := a_message())
    spaced = f"{message.code[:5]} {message.code[5:]}"
    assert await pages(routing, "/v1/cases/search", "supervisor", q=spaced) == [message.code]
    assert await pages(routing, "/v1/cases/search", "staff:region-6", q=message.code) == []
    for nothing in ("و", "!!", "'", ")&(", "\x00"):
        assert (await routing.asked.get("/v1/cases/search", "supervisor", q=nothing)).status_code == 422
    assert (await routing.asked.get("/v1/cases/search", "supervisor", q="جوی", cursor="x")).status_code == 422


async def test_staff_search_the_cases_that_are_theirs_now(routing: Routing) -> None:
    await routing.receive(mine := a_message(), in_region(6))
    assert await pages(routing, "/v1/cases/search", "staff:region-5", q="جوی") == [mine.code]
    assert await routing.step(mine.code, "referrals", {"unit": "nahiye-7-2", "reason": "آن‌جا"}) == "referred"
    assert await pages(routing, "/v1/cases/search", "staff:region-5", q="جوی") == []
    assert await pages(routing, "/v1/cases/search", "staff:region-7", q="جوی") == [mine.code]
    assert len(await pages(routing, "/v1/cases/search", "supervisor", q="جوی")) == 2


async def test_an_operator_sees_a_callers_history_newest_first(routing: Routing) -> None:
    who, other = an_address(routing.sealer), an_address(routing.sealer, "+989350000000")
    own = [a_message(reply_to=who, received_at=NOW - timedelta(days=days)) for days in (1, 2, 300)]
    await routing.receive(*reversed(own), a_message(reply_to=other))
    assert await pages(routing, "/v1/callers", "operator", phone="0912 123 4567") == codes_of(*own)
    assert await pages(routing, "/v1/callers", "service", phone="09121234567") == codes_of(*own)
    [first, *_] = (await routing.asked.get("/v1/callers", "service", phone="09121234567")).json()["items"]
    assert (first["phone"], first["name"]) == ("0912•••4567", None)
    assert await pages(routing, "/v1/callers", "supervisor", phone="09120000000") == []
    assert (await routing.asked.get("/v1/callers", "operator", phone="12")).status_code == 422
    assert (await routing.asked.get("/v1/callers", "staff:region-5", phone="09121234567")).status_code == 403


async def test_a_bulk_action_gives_each_case_its_result(routing: Routing) -> None:
    fresh, stale, foreign, gone = a_message(), a_message(), in_region(6), a_message()
    await routing.receive(fresh, stale, foreign)
    done = await routing.answered()
    cases = {fresh.code: 1, stale.code: 7, foreign.code: 1, gone.code: 1, done: 4}
    answer = (await bulk(routing, "work-order", cases, {}, "staff:region-5")).json()
    assert (answer["done"], answer["refused"]) == (1, 4)
    assert [(r["status"], (r["problem"] or {}).get("status"), r["revision"]) for r in answer["results"]] == [
        ("done", None, 2),
        ("refused", 412, 1),
        ("refused", 404, None),
        ("refused", 404, None),
        ("refused", 409, 4),
    ]
    assert answer["results"][4]["problem"]["allowed"] == ["accept", "object", "reject_completion"]
    assert (await routing.case(fresh.code))["status"] == "in_progress"
    assert [(await routing.case(c))["revision"] for c in (stale.code, foreign.code, done)] == [1, 1, 4]
    assert (await routing.events(fresh.code))[-1] == "case.moved.v1"


async def test_every_bulk_action_is_the_step_of_its_route(routing: Routing) -> None:
    await routing.receive(first := a_message(), second := a_message())
    both = codes_of(first, second)
    asked: list[tuple[str, Any, str]] = [
        ("bounce", {"reason": "نه ما"}, "referred"),
        ("referral", {"unit": "region-5", "reason": "برای آن‌جا"}, "referred"),
        ("work-order", {"note": "زود"}, "in_progress"),
    ]
    for action, body, status in asked:
        seen = {code: (await routing.case(code))["revision"] for code in both}
        assert (await bulk(routing, action, seen, body, "supervisor")).json()["done"] == 2
        assert [(await routing.case(code))["status"] for code in both] == [status] * 2
    for code in both:
        assert await routing.step(code, "findings", {"finding": "actionable"}) == "inspected"
    assert (await bulk(routing, "completion", dict.fromkeys(both, 6), {"outcome": "شد"}, "supervisor")).json()[
        "done"
    ] == 2
    assert [(await routing.events(code))[-1] for code in both] == ["done", "done"]
    steps = [history["step"] for history in (await routing.case(both[0]))["history"]]
    assert steps == ["refer", "bounce", "refer", "refer", "order_work", "record_finding", "complete"]


async def test_the_same_key_takes_a_bulk_action_once(routing: Routing) -> None:
    await routing.receive(message := a_message())
    cases = {message.code: 1, "0000000000": 1}
    first = await bulk(routing, "work-order", cases, {}, "supervisor", Idempotency_Key="k")
    again = await bulk(routing, "work-order", cases, {}, "supervisor", Idempotency_Key="k")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert (await routing.case(message.code))["revision"] == 2
    other = await bulk(routing, "work-order", cases, {"note": "x"}, "supervisor", Idempotency_Key="k")
    assert other.status_code == 422


async def test_a_bulk_action_that_does_not_fit_is_refused_whole(routing: Routing) -> None:
    await routing.receive(message := a_message())
    cases = {message.code: 1}
    referral = {"unit": "no-such", "reason": "x"}
    assert (await bulk(routing, "referral", cases, referral, "supervisor")).status_code == 422
    assert (await bulk(routing, "delete", cases, {}, "supervisor")).status_code == 422
    assert (await bulk(routing, "work-order", {}, {}, "supervisor")).status_code == 422
    assert (await bulk(routing, "work-order", cases, {}, "operator")).status_code == 403
    twice = {"action": "work-order", "cases": [{"code": message.code, "revision": 1}] * 2, "body": {}}
    assert (await routing.asked.post("/v1/cases/bulk", "supervisor", twice)).status_code == 422
    many = {f"{n:010d}": 1 for n in range(201)}
    assert (await bulk(routing, "work-order", many, {}, "supervisor")).status_code == 422
    assert (await routing.case(message.code))["revision"] == 1


async def test_a_saved_filter_is_ones_own_or_of_a_unit_and_those_below(routing: Routing) -> None:
    query = {"open": True, "topic": "US-GUTTER", "sort": "deadline"}
    for who, name, unit in (("operator", "own", None), ("supervisor", "shared", "region-5")):
        body = {"name": name, "query": query, "unit": unit}
        answer = await routing.asked.post("/v1/filters", who, body)
        assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/filters/{answer.json()['id']}")
    assert await filters_of(routing, "operator") == ["own"]
    assert await filters_of(routing, "supervisor") == ["shared"]
    assert await filters_of(routing, "staff:nahiye-5-1") == ["shared"]
    assert await filters_of(routing, "staff:region-6") == []
    saved = (await routing.asked.get("/v1/filters", "staff:region-5")).json()["items"][0]
    assert (saved["own"], saved["query"]["topic"], saved["query"]["urgent"]) == (False, "US-GUTTER", None)
    assert (await routing.asked.get("/v1/filters", "app")).status_code == 403


async def test_a_filter_is_saved_once_and_deleted_by_who_may(routing: Routing) -> None:
    body = {"name": "فوری", "query": {"urgent": True}, "unit": "region-5"}
    first = await routing.asked.post("/v1/filters", "staff:region-5", body, Idempotency_Key="k")
    again = await routing.asked.post("/v1/filters", "staff:region-5", body, Idempotency_Key="k")
    assert (again.status_code, again.json()) == (201, first.json())
    assert (await routing.asked.post("/v1/filters", "staff:region-5", body)).status_code == 409
    other = body | {"name": "دیگر", "unit": "region-6"}
    assert (await routing.asked.post("/v1/filters", "staff:region-5", other)).status_code == 403
    personal = {"name": "x", "query": {"phone": "09121234567"}}
    assert (await routing.asked.post("/v1/filters", "operator", personal)).status_code == 422
    path = f"/v1/filters/{first.json()['id']}"
    assert (await routing.asked.delete(path, "operator")).status_code == 404
    assert (await routing.asked.delete(path, "supervisor")).status_code == 204
    assert (await routing.asked.delete(path, "supervisor")).status_code == 404
