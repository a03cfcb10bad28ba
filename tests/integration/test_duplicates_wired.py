from typing import Any

from common.events import Answer, Place

from tests.builders import a_chat, a_reply, an_address
from tests.integration.families import CHILDS_EVENTS, IN_OTHER_WORDS, URGENT, VAGUE, Wired, a_family, a_report
from tests.integration.families import routing as routing
from tests.unit.test_duplicates import LON, north


async def test_a_second_report_is_joined_and_answered_with_the_first_each_told_once(routing: Wired) -> None:
    first, second = await a_family(routing)
    child = await routing.case(second.code)
    assert (child["status"], child["parent"], child["unit"]) == ("joined", first.code, "region-2")
    assert child["reasons"]["duplicate"] == f"joined to {first.code}: an open case 0 m away, and the texts agree"
    assert (await routing.case(first.code))["children"] == 1
    assert await routing.finish(first.code) == "answered"
    child = await routing.case(second.code)
    assert (child["status"], [h["step"] for h in child["history"]]) == ("answered", ["join", "answer_with"])
    assert await routing.events(second.code) == CHILDS_EVENTS
    assert (await routing.events(first.code)).count("done") == 1
    same = "SELECT body::json->>'outcome' FROM outbox WHERE name = 'notification.requested.v1' AND key = $1"
    assert ("چاله ترمیم شد",) in await routing.read(same, second.code)
    assert await routing.read("SELECT code FROM open_places") == []


async def test_a_case_of_a_unit_that_the_city_has_no_more_takes_its_children_and_its_steps(routing: Wired) -> None:
    await routing.receive(first := a_report())
    await routing.read("UPDATE cases SET unit = 'nahiye-2-99', level = 'nahiye'")
    await routing.receive(second := a_report(IN_OTHER_WORDS))
    assert await routing.parents(second) == [first.code]
    assert await routing.finish(first.code) == "answered"
    assert await routing.events(second.code) == CHILDS_EVENTS


async def test_a_child_is_found_by_the_unit_that_has_its_parent(routing: Wired) -> None:
    await routing.receive(first := a_report())
    await routing.step(first.code, "referrals", {"unit": "region-7", "reason": "آن سوی مرز است"})
    await routing.receive(second := a_report(IN_OTHER_WORDS))
    assert (await routing.case(second.code))["unit"] == "region-7"
    found = await routing.asked.get("/v1/cases/search", "staff:region-7", q="گودال")
    assert [item["code"] for item in found.json()["items"]] == [second.code]


async def test_the_first_of_a_batch_is_the_parent_of_the_others(routing: Wired) -> None:
    first, second, far, third = a_report(), a_report(IN_OTHER_WORDS), a_report(metres=200), a_report(metres=9)
    await routing.receive(first, second, far, third)
    assert await routing.parents(first, second, far, third) == [None, first.code, None, first.code]


async def test_a_batch_that_comes_again_changes_nothing(routing: Wired) -> None:
    first, second = a_report(), a_report(IN_OTHER_WORDS)
    await routing.receive(first, second)
    await routing.receive(first, second)
    assert await routing.finish(first.code) == "answered"
    later = a_report(metres=5)
    await routing.receive(first, second, later)
    assert await routing.events(second.code) == CHILDS_EVENTS
    assert await routing.parents(later) == [None]
    assert await routing.read("SELECT code FROM open_places") == [(later.code,)]


async def test_a_message_that_comes_again_is_a_parent_while_its_case_is_open(routing: Wired) -> None:
    await routing.receive(first := a_report())
    await routing.receive(first, later := a_report(IN_OTHER_WORDS))
    assert await routing.parents(later) == [first.code]


async def test_a_citizen_who_repeats_is_joined_to_the_own_case(routing: Wired) -> None:
    mine: dict[str, Any] = {"reply_to": an_address(routing.sealer), "place": Place(region=2)}
    await routing.receive(first := a_report(**mine))
    await routing.receive(again := a_report(VAGUE, **mine))
    assert await routing.parents(again) == [first.code]
    assert "the citizen's own" in (await routing.case(again.code))["reasons"]["duplicate"]


async def test_a_citizen_of_a_messenger_who_repeats_is_joined_to_the_own_case(routing: Wired) -> None:
    here: dict[str, Any] = {"place": Place(region=2)}
    await routing.receive(first := a_report(reply_to=a_chat(routing.sealer), **here))
    other = a_report(VAGUE, reply_to=a_chat(routing.sealer, "43"), **here)
    again = a_report(VAGUE, reply_to=a_chat(routing.sealer), **here)
    await routing.receive(other, again)
    assert await routing.parents(other, again) == [None, first.code]


async def test_an_account_that_writes_for_several_numbers_is_no_citizen(routing: Wired) -> None:
    here: dict[str, Any] = {"place": Place(region=2)}
    await routing.receive(first := a_report(reply_to=a_chat(routing.sealer, number="+989121234567"), **here))
    other = a_report(VAGUE, reply_to=a_chat(routing.sealer, number="+989121234568"), **here)
    again = a_report(VAGUE, reply_to=a_chat(routing.sealer, number="+989121234567"), **here)
    await routing.receive(other, again)
    assert await routing.parents(other, again) == [None, first.code]


async def test_what_is_unsure_is_suggested_to_staff(routing: Wired) -> None:
    await routing.receive(first := a_report())
    await routing.receive(vague := a_report(VAGUE))
    case = await routing.case(vague.code)
    assert (case["parent"], case["status"]) == (None, "referred")
    assert [one["code"] for one in case["possible_duplicates"]] == [first.code]
    assert "do not say" in case["possible_duplicates"][0]["because"]


async def test_what_is_urgent_does_not_wait_for_a_case_that_is_not(routing: Wired) -> None:
    await routing.receive(plain := a_report())
    await routing.receive(urgent := a_report(URGENT), alike := a_report(URGENT))
    await routing.receive(later := a_report(IN_OTHER_WORDS, metres=1))
    case = await routing.case(urgent.code)
    assert (case["urgent"], case["parent"]) == (True, None)
    assert case["possible_duplicates"][0]["code"] == plain.code
    assert case["possible_duplicates"][0]["because"].endswith("but it is not urgent")
    assert (await routing.parents(alike, later))[0] == urgent.code


async def test_what_is_settled_has_no_duplicates(routing: Wired) -> None:
    power = [a_report("برق قطع است و تیر چراغ افتاده", topic="XX-POWER") for _ in range(2)]
    await routing.receive(*power)
    assert await routing.parents(*power) == [None, None]
    assert await routing.read("SELECT code FROM open_places") == []


async def test_a_detached_case_stands_alone(routing: Wired) -> None:
    first, second = await a_family(routing)
    assert await routing.step(second.code, "work-orders", {}) == "409"
    assert await routing.step(second.code, "detachments", {"reason": "چاله دیگری است"}) == "referred"
    assert await routing.step(second.code, "detachments", {"reason": "چاله دیگری است"}) == "409"
    assert await routing.finish(first.code) == "answered"
    case = await routing.case(second.code)
    assert (case["status"], case["parent"], case["unit"]) == ("referred", None, "region-2")
    assert await routing.events(second.code) == ["case.opened.v1", "joined", "case.moved.v1"]
    due = (
        "SELECT next_due_at IS NOT NULL, (SELECT parent IS NULL FROM open_places o WHERE o.code = c.code) FROM cases c"
    )
    assert await routing.read(f"{due} WHERE code = $1", second.code) == [(True, True)]


async def test_staff_attach_a_case_and_its_children_come_with_it(routing: Wired) -> None:
    first, second = await a_family(routing)
    await routing.receive(other := a_report(metres=500, place=Place(lat=north(500), lon=LON)))
    assert await routing.step(first.code, "attachments", {"parent": other.code}) == "joined"
    assert await routing.parents(first, second) == [other.code, other.code]
    listed = (await routing.asked.get(f"/v1/cases/{other.code}/children", "supervisor")).json()["items"]
    assert [child["code"] for child in listed] == sorted([first.code, second.code])
    assert await routing.finish(other.code) == "answered"
    assert [(await routing.events(m.code)).count("done") for m in (first, second, other)] == [1, 1, 1]


async def test_what_cannot_be_a_parent_is_refused(routing: Wired) -> None:
    first, second = await a_family(routing)
    await routing.receive(done := a_report(metres=900), loose := a_report(metres=1900))
    assert await routing.finish(done.code) == "answered"
    wrong = [loose.code, "0000000000", done.code, second.code]
    answers = [await routing.step(loose.code, "attachments", {"parent": code}) for code in wrong]
    assert answers == ["422", "404", "409", "409"]
    assert await routing.step(loose.code, "attachments", {"parent": first.code}, "staff:region-6") == "404"
    assert await routing.parents(loose) == [None]


async def test_a_step_is_taken_once_per_key(routing: Wired) -> None:
    await routing.receive(first := a_report(), loose := a_report(metres=900))
    body, headers = {"parent": first.code}, {"If_Match": '"1"', "Idempotency_Key": "k"}
    path = f"/v1/cases/{loose.code}/attachments"
    answers = [await routing.asked.post(path, "supervisor", body, **headers) for _ in range(2)]
    assert [(a.status_code, a.json()["revision"]) for a in answers] == [(200, 2), (200, 2)]
    assert (await routing.asked.post(path, "supervisor", body, If_Match='"1"')).status_code == 412


async def test_an_officer_who_names_the_open_case_joins_to_it(routing: Wired) -> None:
    await routing.receive(first := a_report(), loose := a_report(metres=900))
    await routing.step(loose.code, "work-orders", {})
    found = {"finding": "duplicate_open", "duplicate_of": first.code}
    assert await routing.step(loose.code, "findings", found) == "joined"
    assert await routing.finish(first.code) == "answered"
    assert (await routing.events(loose.code))[-1] == "done"


async def test_children_go_to_the_unit_that_their_parent_is_given_to(routing: Wired) -> None:
    first, second = await a_family(routing)
    assert await routing.step(first.code, "referrals", {"unit": "region-6", "reason": "مرز"}) == "referred"
    assert (await routing.case(second.code, "staff:region-6"))["status"] == "joined"
    assert await routing.step(first.code, "bounces", {"reason": "برق", "to": "hq-refer-121"}) == "referred"
    assert (await routing.events(second.code))[-1] == "bounced"


async def test_an_objecting_child_is_a_case_of_its_own(routing: Wired) -> None:
    first, second, third = await a_family(routing, 2)
    await routing.finish(first.code)
    await routing.hear(a_reply(Answer.OBJECTED, code=second.code))
    case = await routing.case(second.code)
    assert (case["status"], case["parent"], case["unit"]) == ("reopened", None, "region-2")
    assert [(await routing.case(m.code))["status"] for m in (first, third)] == ["answered", "answered"]
    await routing.receive(later := a_report(IN_OTHER_WORDS))
    assert await routing.parents(later) == [second.code]


async def test_a_parent_that_is_reopened_leaves_answered_children_in_peace(routing: Wired) -> None:
    first, second = await a_family(routing)
    await routing.finish(first.code)
    await routing.hear(a_reply(Answer.OBJECTED, code=first.code))
    await routing.receive(later := a_report(IN_OTHER_WORDS))
    assert await routing.finish(first.code) == "answered"
    assert await routing.events(second.code) == CHILDS_EVENTS
    assert await routing.events(later.code) == CHILDS_EVENTS


async def test_children_are_listed_in_pages(routing: Wired) -> None:
    first, *children = await a_family(routing, 5)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        path = f"/v1/cases/{first.code}/children"
        page = (await routing.asked.get(path, "staff:region-2", limit=2, **cursor)).json()
        seen += [child["code"] for child in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == sorted(child.code for child in children)
    assert (await routing.asked.get(path, "staff:region-6")).status_code == 404
    assert (await routing.asked.get(path, "supervisor", cursor="x")).status_code == 422


async def test_reporting_can_tell_children_apart(routing: Wired) -> None:
    first, second = await a_family(routing)
    opened = "SELECT key, body::json->>'parent' FROM outbox WHERE name = 'case.opened.v1' ORDER BY id"
    assert await routing.read(opened) == [(first.code, None), (second.code, first.code)]
