import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from common.events import Status
from common.health import Pulse
from routing.announcing import CHUNK, TO_ANSWER, announce_some, keep_announcing
from routing.baseline import Baseline
from routing.incident_steps import close_calm, keep_closing
from routing.workflow import OPEN, after
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.integration.http import beside
from tests.integration.night import HOUR, ONSET, SNOW, Lost, Night, a_fall, a_night, an_incident


@pytest.fixture
async def night(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Night]:
    async with a_night(postgres, database_name, keys) as made:
        yield made


async def test_an_announcement_is_told_to_each_member_once_urgent_ones_first(night: Night) -> None:
    incident = await an_incident(night, CHUNK + 30)
    urgent = (await night.members(incident))[-20:]
    await night.rows("UPDATE cases SET urgent = code = ANY($1::text[])", urgent)
    body = {"text": "گروه برف‌روبی اعزام شد."}
    clicks = [await night.post(incident, "announcements", body, Idempotency_Key="k") for _ in range(2)]
    assert [c.status_code for c in clicks] == [202, 202]
    assert clicks[1].headers["idempotency-replayed"] == "true"
    assert (await night.post(incident, "announcements", body)).status_code == 202
    assert await night.announce_all() == 2
    told = await night.told("incident")
    assert (told, len(set(told))) == (await night.members(incident), CHUNK + 30)
    assert sorted(told[:20]) == sorted(urgent)
    [shown] = (await night.get(incident))["announcements"]
    assert (shown["reached"], shown["done_at"] is not None) == (CHUNK + 30, True)


async def test_who_joins_later_hears_the_latest_announcement_once(night: Night) -> None:
    incident = await an_incident(night)
    await night.post(incident, "announcements", {"text": "گروه اعزام شد"})
    await night.post(incident, "announcements", {"text": "جاده بسته\x00 شد"})
    late = a_fall(2, start=ONSET + HOUR / 2)
    await night.receive(late)
    assert sorted(await night.told("incident")) == sorted(m.code for m in late)
    await night.announce_all()
    query = """
    SELECT key, body::json->>'revision' AS number, count(*) AS times, min(body::json->>'outcome') AS outcome FROM outbox
    WHERE body::json->>'told' = 'incident' GROUP BY 1, 2
    """
    heard = {(row["key"], row["number"]): row["outcome"] for row in await night.rows(query)}
    assert {outcome for (code, _), outcome in heard.items() if code == late[0].code} >= {"جاده بسته شد"}
    assert len(heard) == 2 * 62


async def test_a_crash_between_two_chunks_tells_nobody_twice(night: Night) -> None:
    incident = await an_incident(night, CHUNK + 30)
    await night.post(incident, "announcements", {"text": "گروه اعزام شد"})
    assert await announce_some(night.database, night.decider.city)
    lost = Lost(night.database)
    with pytest.raises(ConnectionError):
        await announce_some(lost, night.decider.city)
    assert len(await night.told("incident")) == CHUNK
    both = (announce_some(night.database, night.decider.city), announce_some(night.database, night.decider.city))
    await asyncio.gather(*both)
    await night.announce_all()
    assert await night.told("incident") == await night.members(incident)


async def test_a_completion_answers_every_open_member_once(night: Night) -> None:
    incident = await an_incident(night)
    ordered, inspected, answered, *_ = await night.members(incident)
    for code, steps in ((ordered, 1), (inspected, 2), (answered, 3)):
        await _worked(night, code, steps)
    before = await night.told("done")
    outcome = {"outcome": "معبر برف‌روبی شد"}
    assert (await night.post(incident, "completions", outcome)).status_code == 202
    assert (await night.post(incident, "completions", outcome)).status_code == 202
    await night.announce_all()
    assert {r["status"] for r in await night.rows("SELECT status FROM cases")} == {"answered"}
    assert sorted([*before, *await night.told("done")][1:]) == sorted(await night.members(incident))
    shown = await night.get(incident)
    assert (shown["cases"], shown["open_cases"]) == (60, 0)
    assert [a["reached"] for a in shown["announcements"]] == [59, 0]


async def test_a_completion_answers_members_that_wait_for_their_citizen_too(night: Night) -> None:
    incident = await an_incident(night)
    waiting = (await night.members(incident))[0]
    asked = await night.asked.post(
        f"/v1/cases/{waiting}/waits", "supervisor", {"question": "کدام کوچه؟"}, If_Match='"1"'
    )
    assert asked.json()["status"] == "waiting"
    await night.post(incident, "completions", {"outcome": "معبر برف‌روبی شد"})
    await night.announce_all()
    assert {r["status"] for r in await night.rows("SELECT status FROM cases")} == {"answered"}


def test_every_open_member_has_a_way_to_its_answer() -> None:
    for status in OPEN - {Status.JOINED}:
        for step in TO_ANSWER[status]:
            status = after(status, step)
        assert status is Status.ANSWERED


async def _worked(night: Night, code: str, steps: int) -> None:
    path = [("work-orders", {}), ("findings", {"finding": "actionable"}), ("completions", {"outcome": "انجام شد"})]
    for revision, (step, body) in enumerate(path[:steps], 1):
        answer = await night.asked.post(f"/v1/cases/{code}/{step}", "supervisor", body, If_Match=f'"{revision}"')
        assert answer.status_code == 200


async def test_confirm_close_and_merge_say_what_is_allowed(night: Night) -> None:
    first = await an_incident(night)
    assert (await night.post(first, "confirmations", {"note": "دیدم"})).json()["state"] == "confirmed"
    again = await night.post(first, "confirmations", {})
    assert (again.status_code, again.json()["allowed"]) == (409, ["close", "announce", "complete"])
    assert (await night.post(first, "merges", {"into": str(first)})).status_code == 409
    assert (await night.post(first, "closings", {})).json()["state"] == "closed"
    assert await night.announce_all() == 0
    second = await an_incident(night, 40, start=ONSET + HOUR)
    assert second != first
    merged = await night.post(first, "merges", {"into": str(second)})
    assert (merged.json()["id"], merged.json()["messages"]) == (str(second), 100)
    assert (await night.members(first), len(await night.members(second))) == ([], 100)
    gone = await night.get(first)
    assert (gone["state"], gone["merged_into"]) == ("merged", str(second))
    assert [said["step"] for said in gone["said"]] == ["confirm", "close", "merge"]
    assert (await night.post(first, "announcements", {"text": "x"})).json()["allowed"] == []
    assert (await night.post(UUID(int=7), "closings", {})).status_code == 404


async def test_what_is_being_told_at_a_merge_reaches_all_members_of_both_incidents(night: Night) -> None:
    first = await an_incident(night, CHUNK + 30)
    await night.post(first, "closings", {})
    second = await an_incident(night, CHUNK + 10, start=ONSET + 2 * HOUR)
    members = {*await night.members(first), *await night.members(second)}
    for incident, text in ((first, "گروه اعزام شد"), (second, "جاده بسته شد")):
        await night.post(incident, "announcements", {"text": text})
    for _ in range(3):  # the first to its end, the second in part
        assert await announce_some(night.database, night.decider.city)
    await night.post(second, "closings", {})
    assert (await night.post(first, "merges", {"into": str(second)})).status_code == 200
    await night.announce_all()
    assert await _heard(night, "جاده بسته شد") == members
    await night.post(second, "announcements", {"text": "گروه اعزام شد"})  # news to those of the second alone
    await night.announce_all()
    assert await _heard(night, "گروه اعزام شد") == members
    assert [a["reached"] for a in (await night.get(second))["announcements"]] == [len(members)] * 2


async def test_a_merge_leaves_no_member_of_the_gone_incident_unanswered(night: Night) -> None:
    first = await an_incident(night, CHUNK + 30)
    await night.post(first, "closings", {})
    members = await night.members(first)
    second = await an_incident(night, start=ONSET + 2 * HOUR)
    await night.post(first, "completions", {"outcome": "معبر برف‌روبی شد"})
    assert await announce_some(night.database, night.decider.city)
    await night.post(first, "merges", {"into": str(second)})
    await night.announce_all()
    done = await night.told("done")
    assert (set(members) <= set(done), len(done)) == (True, len(set(done)))


async def _heard(night: Night, text: str) -> set[str]:
    """Who is told these words; notify tells each number of a code once."""
    query = "SELECT key, body::json->>'revision' AS number FROM outbox WHERE body::json->>'outcome' = $1"
    rows = await night.rows(query, text)
    assert len({row["number"] for row in rows}) == 1
    return {row["key"] for row in rows}


async def test_what_was_closed_by_hand_is_not_opened_again_by_the_same_messages(night: Night) -> None:
    incident = await an_incident(night)
    await night.post(incident, "closings", {"note": "برف نبود"})
    await night.receive(a_fall(3, start=ONSET + timedelta(minutes=16)))
    assert [row["state"] for row in await night.rows("SELECT state FROM incidents")] == ["closed"]
    assert len(await night.members(incident)) == 60


async def test_a_calm_incident_closes_by_the_time_of_the_messages(night: Night) -> None:
    baseline = Baseline.load()
    incident = await an_incident(night)
    assert await close_calm(night.database, baseline) == []
    await night.receive(a_fall(1, topic="US-GUTTER", start=ONSET + 8 * HOUR))
    assert await asyncio.gather(*(close_calm(night.database, baseline) for _ in range(2))) in (
        [[incident], []],
        [[], [incident]],
    )
    assert (await night.get(incident))["state"] == "closed"
    names = [row["name"] for row in await night.rows("SELECT name FROM outbox WHERE key = $1", str(incident))]
    assert names.count("incident.closed.v1") == 1


async def test_only_supervisors_touch_and_the_list_pages(night: Night) -> None:
    falls = [("US-SNOW", 5), ("US-SALT", 6), ("GS-TREE-FALL", 7)]
    for topic, region in falls:
        await night.receive(a_fall(60, topic=topic, region=region))
    listed: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while len(listed) < 4:
        page = (await night.asked.get("/v1/incidents", "staff:region-5", limit=2, **cursor)).json()
        listed += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(item["family"] for item in listed) == SNOW
    assert (await night.asked.get("/v1/incidents", "operator", state="closed")).json()["items"] == []
    path = f"/v1/incidents/{listed[0]['id']}/closings"
    assert (await night.asked.post(path, "staff:region-5", {})).status_code == 403
    assert (await night.asked.get("/v1/incidents", "operator", cursor="x")).status_code == 422
    assert (await night.asked.post("/v1/incidents/x/merges", "staff:region-5", {})).status_code == 403
    assert (await night.asked.post("/v1/incidents/x/merges", "supervisor", {})).status_code == 422


async def test_the_loops_tell_and_close_by_themselves(night: Night) -> None:
    incident = await an_incident(night)
    await night.post(incident, "announcements", {"text": "گروه اعزام شد"})
    await night.receive(a_fall(1, topic="US-GUTTER", start=ONSET + 8 * HOUR))
    pulse, city = Pulse("a loop"), night.decider.city
    async with beside(
        keep_announcing(night.database, city, pulse), keep_closing(night.database, Baseline.load(), pulse)
    ):
        async with asyncio.timeout(90):
            while (shown := await night.get(incident))["state"] != "closed" or not shown["announcements"][0]["done_at"]:
                await asyncio.sleep(0.05)
    assert len(await night.told("incident")) == 60
