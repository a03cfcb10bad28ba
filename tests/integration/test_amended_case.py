"""What becomes of a case when its citizen adds to the message."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from common.errors import Poison
from common.events import Kind, Place, UrgentMessageAmended
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_message, an_address, an_amendment
from tests.integration.desks import Desks, some_desks
from tests.integration.families import IN_OTHER_WORDS, POTHOLE, URGENT, a_report

IN_FIVE = Place(lat=35.7550, lon=51.3051)
PLACELESS: dict[str, Any] = {"place": None, "text": "جوی آب گرفته است"}
ADDED = "message.amended.v1"


@pytest.fixture
async def desks(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Desks]:
    async with some_desks(postgres, database_name, keys) as made:
        yield made


async def test_a_place_that_comes_later_brings_the_case_to_its_unit(desks: Desks) -> None:
    code = await desks.opened(**PLACELESS)
    assert await desks.steps(code) == [("refer", "hq-triage")]
    await desks.add(code, text=PLACELESS["text"], place=IN_FIVE)
    assert await desks.steps(code) == [("refer", "hq-triage"), ("amend", "hq-triage"), ("refer", "nahiye-5-1")]
    case = await desks.case(code)
    assert (case["place"]["lat"], case["region"], case["nahiye"], case["revision"]) == (35.7550, 5, 1, 3)
    assert case["history"][1]["detail"] == {"before": {"place": None}, "now": {"place": case["place"]}}
    moved = await desks.bodies(code, "case.moved.v1")
    assert [(one["step"], one["revision"], one["unit"]) for one in moved] == [
        ("amend", 2, "hq-triage"),
        ("refer", 3, "nahiye-5-1"),
    ]
    row = await desks.row(code)
    assert moved[1]["deadline"] is not None
    assert row["rule"] == "everything else by the topic"


async def test_what_comes_again_or_says_nothing_new_changes_nothing(desks: Desks) -> None:
    code = await desks.opened(**PLACELESS)
    for _ in range(2):
        await desks.add(code, text=PLACELESS["text"], place=IN_FIVE)
    await desks.add(code, text=PLACELESS["text"])
    assert (await desks.case(code))["revision"] == 3


async def test_of_two_amendments_the_later_one_counts_in_whatever_order_they_come(desks: Desks) -> None:
    code = await desks.opened(**PLACELESS)
    old = {"text": "جوی پر است", "received_at": NOW - timedelta(seconds=5), "attachments": 2}
    await desks.add(code, text="جوی پر از زباله است")
    await desks.add(code, **old)
    row = await desks.row(code)
    assert (row["text"], row["attachments"]) == ("جوی پر از زباله است", 2)
    other = await desks.opened(**PLACELESS)
    await desks.take_in(an_amendment(other, text="جوی پر از زباله است"), an_amendment(other, **old))
    row = await desks.row(other)
    assert (row["text"], row["attachments"], row["revision"]) == ("جوی پر از زباله است", 2, 2)


async def test_files_are_counted_and_move_nothing(desks: Desks) -> None:
    code = await desks.opened(**PLACELESS)
    await desks.add(code, text=PLACELESS["text"], attachments=2)
    assert (await desks.row(code))["attachments"] == 2
    assert await desks.steps(code) == [("refer", "hq-triage"), ("amend", "hq-triage")]


async def test_a_case_that_somebody_took_up_is_not_moved_and_shows_what_was_added(desks: Desks) -> None:
    ordered, referred = await desks.opened(**PLACELESS), await desks.opened(**PLACELESS)
    await desks.step(ordered, "work-orders", {})
    await desks.step(referred, "referrals", {"unit": "region-6", "reason": "تلفنی پرسیده شد"})
    seen = (await desks.case(referred))["etag"]
    for code, unit, status in ((ordered, "hq-triage", "in_progress"), (referred, "region-6", "referred")):
        await desks.add(code, text=PLACELESS["text"], place=IN_FIVE)
        case = await desks.case(code)
        assert (case["unit"], case["status"], case["place"]["lat"]) == (unit, status, 35.7550)
        assert (case["history"][-1]["step"], case["region"]) == ("amend", None)
    stale = await desks.asked.post(f"/v1/cases/{referred}/work-orders", "supervisor", {}, If_Match=seen)
    assert stale.status_code == 412


async def test_an_answered_case_keeps_its_answer_and_its_turn_for_a_33(desks: Desks) -> None:
    code = await desks.answered(**PLACELESS)
    before = await desks.row(code)
    await desks.add(code, text=PLACELESS["text"], place=IN_FIVE)
    after = await desks.row(code)
    assert (after["status"], after["answered_at"], after["next_due_at"]) == ("answered", before["answered_at"], None)


async def test_other_words_are_another_topic_and_are_found_by_the_search(desks: Desks) -> None:
    code = await desks.opened(topic=None, text="سلام لطفا رسیدگی کنید")
    await desks.add(code, text="جوی کوچه پر از زباله شده و آب راه نمی‌رود، لایروبی کنید")
    case = await desks.case(code)
    assert (case["topic"], case["unit"]) == ("US-GUTTER", "region-5")
    assert [step for step, _ in await desks.steps(code)] == ["refer", "amend", "correct_topic", "refer"]
    assert [event["topic"] for event in await desks.bodies(code, "case.moved.v1")] == [None, "US-GUTTER", None]
    found = (await desks.asked.get("/v1/cases/search", "staff:region-5", q="لایروبی")).json()["items"]
    assert [one["code"] for one in found] == [code]


async def test_words_that_say_less_than_before_leave_the_topic(desks: Desks) -> None:
    code = await desks.opened(topic=None, text="جوی کوچه پر از زباله شده و آب راه نمی‌رود، لایروبی کنید")
    assert (await desks.row(code))["topic"] == "US-GUTTER"
    await desks.add(code, text="سلام لطفا رسیدگی کنید")
    assert ((await desks.row(code))["topic"], (await desks.row(code))["unit"]) == ("US-GUTTER", "region-5")


async def test_thanks_that_become_unsure_are_looked_at(desks: Desks) -> None:
    code = await desks.opened(topic=None, place=IN_FIVE, text="ممنون از زحمات شما، لطفا ادامه دهید")
    assert ((await desks.row(code))["topic"], (await desks.row(code))["status"]) == ("OV-THANKS", "referred")
    await desks.add(code, text="سلام وقت بخیر رسیدگی", place=IN_FIVE)
    assert ((await desks.row(code))["topic"], (await desks.row(code))["status"]) == (None, "referred")


async def test_other_words_raise_the_urgency_and_none_lower_it(desks: Desks) -> None:
    code = await desks.opened(topic="TC-POTHOLE", text=POTHOLE, place=IN_FIVE)
    assert not (await desks.row(code))["urgent"]
    await desks.add(code, text=URGENT, place=IN_FIVE)
    row = await desks.row(code)
    assert (row["urgent"], row["counted_by"]) == (True, "clock")
    await desks.add(code, text=POTHOLE, place=IN_FIVE, received_at=NOW + timedelta(minutes=1))
    row = await desks.row(code)
    assert (row["text"], row["urgent"], "before" in row["reasons"]["urgency"]) == (POTHOLE, True, True)


async def test_a_duplicate_stays_with_its_parent_unless_its_words_turn_urgent(desks: Desks) -> None:
    parent, child = a_report(), a_report(IN_OTHER_WORDS, reply_to=an_address(desks.sealer))
    await desks.receive(parent)
    await desks.receive(child)
    await desks.add(child.code, text=IN_OTHER_WORDS, place=IN_FIVE)
    case = await desks.case(child.code)
    assert (case["status"], case["parent"], case["history"][-1]["step"]) == ("joined", parent.code, "amend")
    await desks.add(child.code, text=URGENT, place=child.place)
    case = await desks.case(child.code)
    assert (case["status"], case["parent"], case["urgent"]) == ("referred", None, True)
    assert [step for step, _ in await desks.steps(child.code)][-3:] == ["amend", "detach", "refer"]


async def test_a_parents_children_go_where_its_place_says(desks: Desks) -> None:
    vague = {"place": None, "topic": "TC-POTHOLE", "kind": Kind.REQUEST, "text": POTHOLE}
    reports = [a_message(**vague, reply_to=an_address(desks.sealer)) for _ in range(2)]
    for report in reports:
        await desks.receive(report)
    parent, child = (report.code for report in reports)
    assert (await desks.case(child))["parent"] == parent
    await desks.add(parent, text=POTHOLE, place=IN_FIVE)
    assert (await desks.case(parent))["unit"] == (await desks.case(child))["unit"] != "hq-triage"


async def test_a_case_is_a_parent_where_its_place_is_now(desks: Desks) -> None:
    first, second = a_report(place=None), a_report(IN_OTHER_WORDS)
    await desks.receive(first)
    await desks.add(first.code, text=POTHOLE, place=second.place)
    await desks.receive(second)
    assert (await desks.case(second.code))["parent"] == first.code


async def test_no_words_of_one_take_the_topic_from_others_or_answer_them(desks: Desks) -> None:
    power, gutter = "برق کوچه از دیشب قطع است", "جوی کوچه پر از زباله شده و آب راه نمی‌رود، لایروبی کنید"
    for said in (power, gutter):
        code = await desks.opened(topic=None, text=gutter, place=IN_FIVE)
        child = await desks.opened(topic=None, text=gutter, place=IN_FIVE)
        await desks.add(code, text=said, place=IN_FIVE)
        rows = [await desks.row(one) for one in (code, child)]
        assert [row["topic"] for row in rows] == ["US-GUTTER", "US-GUTTER"]
        assert (rows[0]["status"], rows[1]["parent"], rows[1]["status"]) == ("referred", code, "joined")
        await desks.step(code, "bounces", {"reason": "دیگر تکراری نیست"})


async def test_what_the_rules_closed_is_opened_by_what_makes_it_ours(desks: Desks) -> None:
    code = await desks.opened(topic=None, place=None, text="کرج گلشهر، جوی کوچه پر از زباله است، لایروبی کنید")
    assert (await desks.row(code))["status"] == "closed"
    await desks.add(code, text="کرج گلشهر، جوی کوچه پر از زباله است، لایروبی کنید لطفا")
    assert (await desks.row(code))["status"] == "closed"
    await desks.add(code, text="جوی کوچه پر از زباله است، لایروبی کنید", place=IN_FIVE)
    assert ((await desks.row(code))["status"], (await desks.row(code))["region"]) == ("referred", 5)


async def test_a_place_outside_the_city_is_for_a_person_to_say(desks: Desks) -> None:
    code = await desks.opened(**PLACELESS)
    await desks.add(code, text=PLACELESS["text"], place=Place(lat=35.83, lon=50.99))
    assert ((await desks.row(code))["status"], (await desks.row(code))["unit"]) == ("referred", "hq-triage")


async def test_what_is_added_to_no_case_is_poison(desks: Desks) -> None:
    with pytest.raises(Poison, match="no case has the code"):
        await desks.add("0000000000", place=IN_FIVE)


async def test_in_the_urgent_lane_what_is_there_before_its_case_follows_the_message_in_the_bulk(desks: Desks) -> None:
    code = await desks.opened(**PLACELESS)
    given = an_amendment(code, place=IN_FIVE).model_dump() | {"at": NOW}
    here, early = UrgentMessageAmended(**given), UrgentMessageAmended(**given | {"code": "0000000000"})
    await desks.take_in_by_the_urgent_lane(here, early)
    assert (await desks.row(code))["unit"] == "nahiye-5-1"
    assert await desks.bodies(code, ADDED) == []
    [passed_on] = await desks.bodies(early.code, ADDED)
    assert passed_on["place"]["lat"] == IN_FIVE.lat
