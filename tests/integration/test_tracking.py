import json
from typing import Any

import pytest
from common.events import Answer, Channel, Place, SealedAddress, StatusAsked
from routing.city import City
from routing.tracking import tell_status_with

from tests.builders import NOW, a_message, a_reply
from tests.integration.families import IN_OTHER_WORDS, URGENT, VAGUE, Wired, a_family, a_report
from tests.integration.families import routing as routing
from tests.unit.test_duplicates import LAT, LON

TOLD = """
SELECT body FROM outbox WHERE name = 'notification.requested.v1' AND body LIKE '%"told":"status"%' ORDER BY id
"""


def a_question(code: str, account: str) -> StatusAsked:
    address = SealedAddress(account="sealed", account_lookup=account)
    return StatusAsked(at=NOW, code=code, channel=Channel.SOCIAL, platform="telegram", reply_to=address)


async def tracked(routing: Wired, code: str) -> dict[str, Any]:
    answer = await routing.asked.get(f"/v1/tracking/{code}", "service")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def near(routing: Wired, *, topic: str = "TC-POTHOLE", lat: float = LAT) -> list[dict[str, Any]]:
    answer = await routing.asked.get("/v1/nearby", "service", lat=lat, lon=LON, topic=topic)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_many_cases_are_told_in_one_answer_in_the_order_of_the_question(routing: Wired) -> None:
    first, second = a_message(), a_message(topic=None, text="تشکر از رفتگر محله")
    await routing.receive(first, second)
    codes = [second.code, "0000000000", first.code, second.code]
    items = (await routing.asked.post("/v1/tracking", "service", {"codes": codes})).json()["items"]
    assert [item["code"] for item in items] == [second.code, first.code]
    case = items[1]
    assert (case["status"], case["unit_title"], case["topic_title"]) == (
        "referred",
        "شهرداری منطقه 5",
        "لایروبی جوی و نهر",
    )
    assert (case["words"], case["may"]) == ("ارجاع شده و در نوبت رسیدگی است", [])
    assert case["deadline"] is not None


@pytest.mark.parametrize("codes", [[], ["1"], ["1234567897"] * 201, ["x" * 10], None])
async def test_a_question_that_does_not_fit_is_422(routing: Wired, codes: Any) -> None:
    assert (await routing.asked.post("/v1/tracking", "service", {"codes": codes})).status_code == 422


async def test_the_history_is_the_citizens_and_says_what_they_may_reply(routing: Wired) -> None:
    code = await routing.answered()
    found = await tracked(routing, code)
    assert (found["may"], found["deadline"]) == (["accept", "object"], None)
    assert [step["words"] for step in found["history"]] == [
        "ثبت شد",
        "به شهرداری منطقه 5 ارجاع شد",
        "مامور برای بازدید تعیین شد",
        "بازدید شد و در دست اقدام است",
        "کار انجام و پاسخ داده شد",
    ]
    assert found["history"][-1]["outcome"] == "انجام شد"
    assert "supervisor" not in str(found)
    await routing.hear(a_reply(Answer.ACCEPTED, code=code))
    assert (await tracked(routing, code))["may"] == []


async def test_a_child_is_told_what_its_parent_was(routing: Wired) -> None:
    first, second = await a_family(routing)
    assert await routing.finish(first.code) == "answered"
    last = (await tracked(routing, second.code))["history"][-1]
    assert last["outcome"] == "چاله ترمیم شد"


async def test_a_case_that_routing_has_not_seen_is_404(routing: Wired) -> None:
    assert (await routing.asked.get("/v1/tracking/1234567897", "service")).status_code == 404


async def test_open_cases_near_by_are_told_the_nearest_first_with_how_many_reported_them(routing: Wired) -> None:
    first = await a_family(routing, children=2)
    await routing.receive(other := a_report(URGENT, metres=-22))
    await routing.receive(a_report(VAGUE, metres=200))
    items = await near(routing, lat=LAT)
    assert [(item["code"], item["distance_m"], item["citizens"]) for item in items] == [
        (first[0].code, 0, 3),
        (other.code, 20, 1),
    ]
    assert items[0]["topic_title"] == "لکه‌گیری و چاله"
    assert items[0].keys() == {"code", "topic_title", "distance_m", "since", "citizens", "words"}


async def test_what_was_answered_and_other_topics_are_not_near(routing: Wired) -> None:
    await routing.receive(done := a_report(), a_report(IN_OTHER_WORDS))
    assert await routing.finish(done.code) == "answered"
    assert await near(routing) == []
    await routing.receive(a_report())
    assert await near(routing, topic="TC-MANHOLE") == []
    assert await near(routing, topic="OV-CONDUCT") == []


@pytest.mark.parametrize("topic", ["WM-CHILD-PICKER", "UP-ILLEGAL"])
async def test_distances_tell_nobody_where_a_child_or_a_reported_neighbour_is(routing: Wired, topic: str) -> None:
    await routing.receive(a_message(topic=topic, place=Place(lat=LAT, lon=LON)))
    assert await routing.read("SELECT topic FROM open_places") == [(topic,)]
    assert await near(routing, topic=topic) == []


@pytest.mark.parametrize("query", [{"topic": "XX-NONE"}, {"lat": 95}, {"lat": "nan"}, {"topic": "x"}])
async def test_what_is_nowhere_or_no_topic_is_422(routing: Wired, query: dict[str, Any]) -> None:
    asked = {"lat": LAT, "lon": LON, "topic": "TC-POTHOLE"} | query
    assert (await routing.asked.get("/v1/nearby", "service", **asked)).status_code == 422


async def test_stars_and_words_of_feedback_are_kept_for_staff_and_only_stars_reported(routing: Wired) -> None:
    code = await routing.answered()
    await routing.hear(
        a_reply(Answer.OBJECTED, channel=Channel.APP, platform=None, code=code, stars=2, text="هنوز چاله است")
    )
    case = await routing.case(code)
    assert (case["status"], case["history"][-1]["detail"]) == ("reopened", {"stars": 2, "words": "هنوز چاله است"})
    bodies = "SELECT body FROM outbox WHERE key = $1 AND stream = 'activity.v1' ORDER BY id"
    reported = [row[0] for row in await routing.read(bodies, code)]
    assert '"stars":2' in reported[-1]
    assert not any("هنوز" in body for body in reported)


async def test_everyone_who_asks_after_a_case_at_the_same_moment_is_told_something_of_their_own(routing: Wired) -> None:
    await routing.receive(message := a_message())
    asked = [a_question(message.code, account) for account in ("mine", "theirs")]
    tell = tell_status_with(City.load())
    async with routing.database.transaction() as tx:
        await tell(asked, tx)
    told = [json.loads(body) for (body,) in await routing.read(TOLD)]
    assert [one["reply_to"]["account_lookup"] for one in told] == ["mine", "theirs"]
    assert len({(one["code"], one["revision"]) for one in told}) == 2  # by which notify tells a thing once
    assert all(0 <= one["revision"] < 2**31 for one in told)
