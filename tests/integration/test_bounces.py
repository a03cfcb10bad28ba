from collections.abc import AsyncIterator

import pytest
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.integration.desks import Desks, some_desks

DESK = "staff:hq-arbitration"
NOT_OURS = {"reason": "در حیطه ما نیست"}


@pytest.fixture
async def desks(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Desks]:
    async with some_desks(postgres, database_name, keys) as made:
        yield made


async def where(desks: Desks, code: str) -> tuple[str, str | None]:
    case = await desks.case(code)
    return case["unit"], case["arbitration"]


async def in_arbitration(desks: Desks) -> str:
    """A case that two units gave back."""
    code = await desks.opened()
    assert await desks.step(code, "bounces", NOT_OURS | {"to": "region-6"}, "staff:region-5") == "referred"
    assert await desks.step(code, "bounces", NOT_OURS, "staff:region-6") == "referred"
    return code


async def test_a_bounce_goes_back_to_who_gave_the_case_with_its_reason(desks: Desks) -> None:
    by_rule, by_region = await desks.opened(), await desks.opened()
    await desks.step(by_rule, "bounces", NOT_OURS, "staff:region-5")
    assert await where(desks, by_rule) == ("hq-triage", None)
    await desks.step(by_region, "referrals", {"unit": "nahiye-5-3", "reason": "محل"}, "staff:region-5")
    await desks.step(by_region, "bounces", NOT_OURS, "staff:nahiye-5-3")
    assert await where(desks, by_region) == ("region-5", None)
    history = (await desks.case(by_region))["history"]
    assert [(step["step"], step["unit"], step["reason"]) for step in history[-2:]] == [
        ("bounce", "nahiye-5-3", NOT_OURS["reason"]),
        ("refer", "region-5", NOT_OURS["reason"]),
    ]
    assert (await desks.refused(by_rule, "bounces", {}, "supervisor"))[0] == 422


async def test_a_second_bounce_goes_to_arbitration_whomever_it_names(desks: Desks) -> None:
    code = await desks.opened()
    await desks.step(code, "bounces", NOT_OURS | {"to": "region-6"}, "staff:region-5")
    await desks.step(code, "bounces", NOT_OURS | {"to": "region-7"}, "staff:region-6")
    assert await where(desks, code) == ("hq-arbitration", "open")
    last = (await desks.case(code))["history"][-1]
    assert last["detail"] == {"arbitration": "open", "because": "it was given back before"}
    listed = (await desks.asked.get("/v1/cases", DESK)).json()["items"]
    assert [case["code"] for case in listed] == [code]


async def test_a_referral_back_to_a_unit_that_bounced_the_case_goes_to_arbitration(desks: Desks) -> None:
    code = await desks.opened()
    await desks.step(code, "bounces", NOT_OURS, "staff:region-5")
    back = {"unit": "region-5", "reason": "از شماست"}
    assert await desks.step(code, "referrals", back, "staff:hq-triage") == "referred"
    assert await where(desks, code) == ("hq-arbitration", "open")


async def test_nobody_but_the_desk_or_a_supervisor_refers_an_arbitrated_case_on(desks: Desks) -> None:
    code = await in_arbitration(desks)
    to = {"unit": "region-5", "reason": "رای داوری"}
    for unit in ("region-5", "region-6", "hq-triage"):
        assert await desks.step(code, "referrals", to, f"staff:{unit}") == "404"
    assert (await desks.refused(code, "bounces", NOT_OURS, DESK))[0] == 409
    assert await desks.step(code, "referrals", to, DESK) == "referred"
    assert await where(desks, code) == ("region-5", "decided")
    other = await in_arbitration(desks)
    assert await desks.step(other, "referrals", to, "supervisor") == "referred"
    assert await where(desks, other) == ("region-5", "decided")


async def test_the_unit_above_that_watches_an_overdue_case_in_arbitration_cannot_take_it_out(desks: Desks) -> None:
    code = await in_arbitration(desks)
    await desks.look((await desks.row(code))["deadline"])
    assert (await desks.case(code))["escalated_to"] == "hq-triage"
    to = {"unit": "region-5", "reason": "x"}
    assert (await desks.refused(code, "referrals", to, "staff:hq-triage"))[0] == 403


async def test_what_arbitration_decided_cannot_be_given_back_but_handed_down(desks: Desks) -> None:
    code = await in_arbitration(desks)
    await desks.step(code, "referrals", {"unit": "region-5", "reason": "رای داوری"}, DESK)
    status, why = await desks.refused(code, "bounces", NOT_OURS, "staff:region-5")
    assert (status, "Arbitration has decided" in why) == (409, True)
    assert await desks.step(code, "referrals", {"unit": "region-8", "reason": "x"}, "staff:region-5") == "409"
    assert await desks.step(code, "referrals", {"unit": "nahiye-5-2", "reason": "محل"}, "staff:region-5") == "referred"
    assert await where(desks, code) == ("nahiye-5-2", "decided")
    assert await desks.step(code, "bounces", NOT_OURS, "staff:nahiye-5-2") == "409"
    assert await desks.step(code, "work-orders", {}, "staff:nahiye-5-2") == "in_progress"


async def test_a_refused_bounce_leaves_no_trace(desks: Desks) -> None:
    code = await desks.opened()
    assert await desks.step(code, "bounces", NOT_OURS | {"to": "region-5"}, "staff:region-5") == "422"
    await desks.step(code, "work-orders", {})
    assert (await desks.refused(code, "bounces", NOT_OURS, "staff:region-5"))[0] == 409
    case = await desks.case(code)
    assert (case["unit"], case["arbitration"], len(case["history"])) == ("region-5", None, 2)


async def test_triage_refers_on_what_a_citizen_objects_that_another_body_does(desks: Desks) -> None:
    to = {"unit": "region-8", "reason": "از شهرداری است"}
    settled = await desks.opened(topic="XX-POWER")
    decided = await in_arbitration(desks)
    assert await desks.step(decided, "corrections", {"topic": "XX-POWER", "reason": "برق"}, DESK) == "closed"
    for code in (settled, decided):
        assert await desks.step(code, "replies", {"answer": "objected"}, "operator") == "reopened"
        assert await where(desks, code) == ("hq-triage", None)
        assert await desks.step(code, "referrals", to, "staff:hq-triage") == "referred"
        assert await where(desks, code) == ("region-8", None)
