"""Units that were removed from the city's data while cases are theirs."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from routing.adoption import adopt_some
from routing.city import City
from routing.clock import above
from routing.escalation import escalate_due
from routing.oncall import Roster
from routing.units import heir
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW
from tests.integration.desks import CITY, Desks, some_desks
from tests.integration.families import a_report

NOT_OURS = {"reason": "در حیطه ما نیست"}


def without(*gone: str) -> City:
    return replace(CITY, roster=Roster({code: post for code, post in CITY.roster.posts.items() if code not in gone}))


@pytest.fixture
async def desks(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Desks]:
    async with some_desks(postgres, database_name, keys) as made:
        yield made


async def given_to(desks: Desks, unit: str, who: str = "supervisor") -> str:
    code = await desks.opened()
    assert await desks.step(code, "referrals", {"unit": unit, "reason": "محل"}, who) == "referred"
    return code


@pytest.mark.parametrize(
    ("unit", "acting"),
    [
        ("region-5", "region-5"),
        ("nahiye-5-77", "region-5"),
        ("nahiye-77-1", "hq-triage"),
        ("nahiye-5-77-oncall", "region-5"),
        ("region-77-oncall", "hq-triage"),
        ("hq-gone", "hq-triage"),
    ],
)
def test_the_heir_of_a_unit_is_what_it_stood_under(unit: str, acting: str) -> None:
    assert heir(unit, CITY.units) == acting


def test_who_is_late_and_no_more_is_watched_by_its_heir() -> None:
    assert above("nahiye-5-3", NOW, urgent=False, city=without("nahiye-5-3")) == "region-5"


async def test_open_cases_go_to_the_heir_with_the_reason_however_far_they_are(desks: Desks) -> None:
    city = without("nahiye-5-3")
    fresh, working, answered = [await given_to(desks, "nahiye-5-3") for _ in range(3)]
    for code in (working, answered):
        await desks.step(code, "work-orders", {})
    await desks.step(answered, "findings", {"finding": "no_action"})
    while await adopt_some(desks.database, city):
        pass
    rows = [await desks.row(code) for code in (fresh, working, answered)]
    assert [(row["unit"], row["level"], row["status"]) for row in rows] == [
        ("region-5", "region", "referred"),
        ("region-5", "region", "in_progress"),
        ("nahiye-5-3", "nahiye", "answered"),
    ]
    last = (await desks.case(fresh))["history"][-1]
    assert (last["step"], last["reason"]) == ("refer", "the city has no unit nahiye-5-3 any more")
    assert (await desks.bodies(working, "case.moved.v1"))[-1]["status"] == "in_progress"
    assert await desks.step(working, "findings", {"finding": "actionable"}, "staff:region-5") == "inspected"


async def test_children_go_with_their_parent(desks: Desks) -> None:
    await desks.receive(parent := a_report())
    await desks.receive(child := a_report(metres=3))
    assert (await desks.row(child.code))["parent"] == parent.code
    unit = (await desks.row(parent.code))["unit"]
    while await adopt_some(desks.database, city := without(unit)):
        pass
    assert {(await desks.row(code))["unit"] for code in (parent.code, child.code)} == {heir(unit, city.units)}


async def test_a_bounce_to_a_giver_that_is_no_more_goes_to_its_heir_and_says_so(desks: Desks) -> None:
    app = desks.asked.app
    by_nahiye, by_own = [await given_to(desks, "nahiye-5-3") for _ in range(2)]
    await desks.step(by_nahiye, "referrals", {"unit": "nahiye-6-1", "reason": "محل"}, "staff:nahiye-5-3")
    await desks.step(by_own, "referrals", {"unit": "region-5", "reason": "محل"}, "staff:nahiye-5-3")
    app.state.city = without("nahiye-5-3")
    assert await desks.step(by_nahiye, "bounces", NOT_OURS, "staff:nahiye-6-1") == "referred"
    assert await desks.step(by_own, "bounces", NOT_OURS, "staff:region-5") == "referred"
    assert [(await desks.row(code))["unit"] for code in (by_nahiye, by_own)] == ["region-5", "hq-triage"]
    last = (await desks.case(by_nahiye))["history"][-1]
    assert last["detail"]["because"] == "the city has no unit nahiye-5-3 any more"


async def test_every_step_and_the_clock_go_on_before_the_heir_has_it(desks: Desks) -> None:
    code, late = await given_to(desks, "nahiye-5-3"), await given_to(desks, "nahiye-5-3")
    desks.asked.app.state.city = city = without("nahiye-5-3")
    assert await desks.step(code, "waits", {"question": "کدام کوچه؟"}) == "waiting"
    assert await desks.step(code, "resumptions", {"answer": "بهار"}) == "referred"
    assert await desks.step(code, "work-orders", {}) == "in_progress"
    async with desks.database.transaction() as tx:
        await escalate_due(city, (await desks.row(late))["deadline"], tx)
    assert (await desks.row(late))["escalated_to"] == "region-5"


async def test_a_watcher_that_is_no_more_hands_over_to_its_heir(desks: Desks) -> None:
    code = await given_to(desks, "nahiye-5-3")
    async with desks.database.transaction() as tx:
        await tx.execute("UPDATE cases SET escalated_to = 'region-5-oncall' WHERE code = $1", code)
    await adopt_some(desks.database, without("region-5-oncall"))
    assert (await desks.row(code))["escalated_to"] == "region-5"
