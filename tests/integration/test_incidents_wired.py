import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from common.events import SealedAddress
from common.sealed import Sealer
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_chat, an_address
from tests.integration.night import HOUR, ONSET, SNOW, Night, a_fall, a_night, around_the_onset


@pytest.fixture
async def night(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Night]:
    async with a_night(postgres, database_name, keys) as made:
        yield made


@pytest.mark.parametrize("seed", [0, 3])
async def test_the_onset_of_snow_opens_three_incidents_within_twenty_minutes_and_none_besides(
    night: Night, seed: int
) -> None:
    messages = around_the_onset(seed)
    await night.receive(messages[: len(messages) // 2], batch=10)
    night.restart()
    await night.receive(messages[len(messages) // 2 :], batch=10)
    incidents = await night.incidents()
    assert sorted(incidents) == SNOW
    for incident in incidents.values():
        assert timedelta(0) < incident["opened_at"] - ONSET <= timedelta(minutes=20)
        members = await night.members(incident["id"])
        assert len(members) == pytest.approx(incident["messages"], rel=0.25)
        [opened] = await night.rows("SELECT * FROM outbox WHERE key = $1 AND name LIKE '%opened%'", str(incident["id"]))
        assert opened["stream"] == "activity.v1"


async def test_a_batch_that_comes_again_changes_nothing(night: Night) -> None:
    messages = a_fall(60)
    await night.receive(messages)
    before = await night.everything()
    assert before[1]
    await night.receive(messages)
    assert await night.everything() == before


async def test_messages_one_by_one_become_members_as_those_of_a_batch_do(night: Night) -> None:
    await night.receive(a_fall(60), batch=1)
    incident = (await night.incidents())["US-SNOW"]
    assert len(await night.members(incident["id"])) == incident["messages"] == 60
    assert incident["opened_at"] < ONSET + timedelta(minutes=10)


async def test_two_replicas_open_one_incident_between_them(night: Night) -> None:
    messages = [m for pair in zip(a_fall(60), a_fall(60, region=6), strict=True) for m in pair]
    halves = (night.receive(messages[::2], batch=4), night.receive(messages[1::2], batch=4))
    await asyncio.gather(*halves)
    [incident] = await night.rows("SELECT * FROM incidents")
    assert sorted(incident["extent"]["counts"]) == ["5", "6"]
    assert len(await night.members(incident["id"])) == incident["messages"] == 120


async def test_open_cases_since_the_rise_become_members_at_the_opening_and_others_do_not(night: Night) -> None:
    old = a_fall(1, start=ONSET - 2 * HOUR)
    elsewhere, other = a_fall(3, region=6), a_fall(3, topic="US-GUTTER")
    await night.receive([*old, *elsewhere, *other])
    fall = a_fall(60)
    await night.receive(fall, batch=5)
    incident = (await night.incidents())["US-SNOW"]
    assert sorted(await night.members(incident["id"])) == sorted(m.code for m in fall)
    case = (await night.asked.get(f"/v1/cases/{fall[0].code}", "operator")).json()
    assert case["incident"] == str(incident["id"])


@pytest.mark.parametrize("known_by", [an_address, a_chat])
async def test_a_citizen_who_repeats_opens_no_incident_and_is_one_member(
    night: Night, known_by: Callable[[Sealer], SealedAddress]
) -> None:
    mine = known_by(night.sealer)
    await night.receive(a_fall(60, reply_to=mine), batch=7)
    assert await night.incidents() == {}
    await night.receive(a_fall(40, start=ONSET + timedelta(minutes=5)))
    [incident] = (await night.incidents()).values()
    assert incident["messages"] == 41
    assert len(await night.members(incident["id"])) == 41
    await night.receive(a_fall(1, start=ONSET + timedelta(minutes=20), reply_to=mine))
    assert len(await night.members(incident["id"])) == 41
    await night.receive(a_fall(60, start=ONSET + timedelta(minutes=20), region=6))  # it grows, and looks around again
    assert len(await night.members(incident["id"])) == 101
