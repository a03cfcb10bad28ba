import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from common.events import Kind, Place, Step
from common.health import Health
from routing.escalation import MOST_TOGETHER, escalate_due, keep_escalating
from routing.steps import Move
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_message
from tests.integration.desks import CITY, SECOND, Desks, some_desks
from tests.integration.http import beside

HOUR = timedelta(hours=1)
IN_NAHIYE = Place(lat=35.7550, lon=51.3051)


@pytest.fixture
async def desks(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Desks]:
    async with some_desks(postgres, database_name, keys) as made:
        yield made


async def test_each_moment_is_told_once_and_not_a_second_early(desks: Desks) -> None:
    code = await desks.opened()
    row = await desks.row(code)
    moments = sorted((row[name], mark) for name, mark in (("respond_by", "response_overdue"), ("warn_at", "warning")))
    told: list[str] = []
    for moment, mark in [*moments, (row["deadline"], "breach")]:
        assert await desks.look(moment - SECOND) == 0
        assert await desks.look(moment) == 1
        told.append(mark)
        assert await desks.passed(code) == told
    assert await desks.look(row["deadline"] + 1000 * HOUR) == 0
    assert (await desks.row(code))["next_due_at"] is None


async def test_a_service_that_slept_escalates_at_once_and_once(desks: Desks) -> None:
    code = await desks.opened()
    deadline = (await desks.row(code))["deadline"]
    assert await desks.look(deadline + HOUR) == 1
    assert await desks.look(deadline + HOUR) == 0
    assert sorted(await desks.passed(code)) == ["breach", "response_overdue"]
    [breach] = [b for b in await desks.bodies(code, "deadline.passed.v1") if b["mark"] == "breach"]
    assert (breach["unit"], breach["escalated_to"], breach["revision"]) == ("region-5", "hq-triage", 2)
    assert breach["due_at"] == deadline.isoformat().replace("+00:00", "Z")


async def test_two_replicas_at_once_tell_everything_once(desks: Desks) -> None:
    messages = [a_message() for _ in range(2 * MOST_TOGETHER + 50)]
    await desks.receive(*messages)
    late = (await desks.row(messages[0].code))["deadline"] + HOUR

    async def replica() -> None:
        while await desks.look(late):
            pass

    await asyncio.gather(replica(), replica(), replica())
    await replica()  # what one still held when another looked
    async with desks.database.transaction() as tx:
        names = "SELECT key, body::json->>'mark' AS mark FROM outbox WHERE name = 'deadline.passed.v1'"
        told = Counter(row["key"] for row in await tx.fetch(names) if row["mark"] == "breach")
        steps = await tx.fetchval("SELECT count(*) FROM history WHERE step = 'escalate'")
    assert told == Counter(message.code for message in messages)
    assert steps == len(messages)


async def test_a_replica_that_dies_before_its_commit_has_told_nothing(desks: Desks) -> None:
    code = await desks.opened()
    late = (await desks.row(code))["deadline"] + SECOND

    async def die_before_the_commit() -> None:
        async with desks.database.transaction() as tx:
            assert await escalate_due(CITY, late, tx) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await die_before_the_commit()
    assert await desks.passed(code) == []
    assert await desks.look(late) == 1
    assert "breach" in await desks.passed(code)


async def test_a_breach_shows_the_case_to_the_unit_above_which_may_step_it(desks: Desks) -> None:
    code = await desks.opened(text="جوی آب گرفته است")
    triage = "staff:hq-triage"
    assert (await desks.asked.get(f"/v1/cases/{code}", triage)).status_code == 404
    assert (await desks.asked.get("/v1/cases", triage)).json()["items"] == []
    await desks.look((await desks.row(code))["deadline"])
    listed = (await desks.asked.get("/v1/cases", triage, escalated=True)).json()["items"]
    assert [(case["code"], case["unit"], case["escalated_to"]) for case in listed] == [(code, "region-5", "hq-triage")]
    assert (await desks.asked.get("/v1/cases", triage, escalated=False)).json()["items"] == []
    assert (await desks.asked.get(f"/v1/cases/{code}", "staff:region-6")).status_code == 404
    [last] = [step for step in (await desks.case(code))["history"] if step["step"] == "escalate"]
    assert (last["status"], last["detail"]) == ("referred", {"escalated_to": "hq-triage"})
    assert await desks.step(code, "work-orders", {}, triage) == "in_progress"


async def test_a_step_on_what_was_seen_before_the_breach_is_refused(desks: Desks) -> None:
    code = await desks.opened()
    await desks.look((await desks.row(code))["deadline"])
    stale = await desks.asked.post(f"/v1/cases/{code}/work-orders", "supervisor", {}, If_Match='"1"')
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')


async def test_work_is_a_response_and_giving_away_is_none(desks: Desks) -> None:
    worked, given = await desks.opened(), await desks.opened()
    await desks.take(worked, Move(Step.ORDER_WORK, NOW + SECOND, by="x"))
    await desks.take(given, Move(Step.REFER, NOW + SECOND, by="x", unit="nahiye-5-2"))
    assert (await desks.row(worked))["responded_at"] == NOW + SECOND
    assert (await desks.row(given))["responded_at"] is None
    late = max([(await desks.row(code))["deadline"] for code in (worked, given)])
    await desks.look(late)
    assert await desks.passed(worked) == ["breach"]
    assert sorted(await desks.passed(given)) == ["breach", "response_overdue"]


async def test_an_answer_stops_the_clock_and_an_objection_begins_it_again(desks: Desks) -> None:
    code = await desks.opened(kind=Kind.INQUIRY)
    first = (await desks.row(code))["deadline"]
    await desks.look(first)
    await desks.take(code, Move(Step.ANSWER, first + SECOND, by="x", outcome="بله"))
    assert (await desks.row(code))["next_due_at"] is None
    assert await desks.look(first + 1000 * HOUR) == 0
    objected = first + 1000 * HOUR
    await desks.take(code, Move(Step.OBJECT, objected))
    again = await desks.row(code)
    assert (again["marks"], again["responded_at"], again["escalated_to"]) == ([], None, None)
    assert objected < again["next_due_at"] <= again["warn_at"] < again["deadline"]
    await desks.look(again["deadline"])
    assert Counter(await desks.passed(code)) == {"response_overdue": 2, "breach": 2}


async def test_time_stands_still_while_the_citizen_is_asked(desks: Desks) -> None:
    code = await desks.opened(topic="GS-TREE-FALL")
    before = await desks.row(code)
    assert (before["urgent"], before["counted_by"]) == (True, "clock")
    asked = NOW + timedelta(minutes=3)
    await desks.take(code, Move(Step.ASK_CITIZEN, asked, by="x", outcome="کدام کوچه؟"))
    assert (await desks.events(code))[-1] == "asked"
    assert await desks.look(before["deadline"] + HOUR) == 0
    await desks.take(code, Move(Step.CITIZEN_ANSWERED, asked + 30 * HOUR, by="x"))
    after = await desks.row(code)
    assert after["deadline"] - before["deadline"] == after["warn_at"] - before["warn_at"] == 30 * HOUR
    assert (after["status"], after["next_due_at"], after["waiting_since"]) == ("referred", after["warn_at"], None)
    await desks.look(after["deadline"])
    assert await desks.passed(code) == ["breach"]


async def test_a_wait_over_rest(desks: Desks) -> None:
    code = await desks.opened()
    assert await desks.step(code, "waits", {"question": "کدام کوچه؟"}, "staff:region-5") == "waiting"
    assert (await desks.refused(code, "work-orders", {}, "supervisor"))[0] == 409
    assert (await desks.case(code))["overdue"] is False
    assert await desks.step(code, "waits", {"question": "x"}, "operator") == "403"
    assert await desks.step(code, "resumptions", {"answer": "کوچه یکم"}, "operator") == "referred"
    _, asked, answered = (await desks.case(code))["history"]
    assert (asked["reason"], answered["detail"]) == ("کدام کوچه؟", {"words": "کوچه یکم"})


async def test_another_units_hours_count_what_was_left(desks: Desks) -> None:
    code = await desks.opened(place=IN_NAHIYE)
    before = await desks.row(code)
    assert before["unit"] == "nahiye-5-1"
    await desks.take(code, Move(Step.REFER, NOW + SECOND, by="x", unit="nahiye-5-2"))
    assert (await desks.row(code))["deadline"] == before["deadline"]
    await desks.take(code, Move(Step.REFER, NOW + SECOND, by="x", unit="region-5"))
    office = await desks.row(code)
    assert office["deadline"] != before["deadline"]
    assert office["next_due_at"] == min(office["respond_by"], office["warn_at"])
    moved = await desks.bodies(code, "case.moved.v1")
    assert moved[-1]["deadline"] == office["deadline"].isoformat().replace("+00:00", "Z")


async def test_an_overdue_case_that_moves_on_is_watched_by_the_unit_above_its_new_one(desks: Desks) -> None:
    code = await desks.opened()
    deadline = (await desks.row(code))["deadline"]
    await desks.look(deadline)
    await desks.take(code, Move(Step.REFER, deadline + SECOND, by="x", unit="nahiye-7-1"))
    row = await desks.row(code)
    assert (row["escalated_to"], row["deadline"], row["marks"].count("breach")) == ("region-7", deadline, 1)
    assert await desks.look(deadline + 100 * HOUR) == 0
    assert (await desks.asked.get(f"/v1/cases/{code}", "staff:hq-triage")).status_code == 404


async def test_what_is_overdue_is_found_while_the_service_runs(desks: Desks) -> None:
    code = await desks.opened(received_at=NOW - 1000 * HOUR)
    async with beside(keep_escalating(desks.database, CITY, Health().pulse("escalation"))):
        for _ in range(100):
            if await desks.passed(code):
                break
            await asyncio.sleep(0.05)
    assert sorted(await desks.passed(code)) == ["breach", "response_overdue"]
