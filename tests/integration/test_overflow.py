"""The overflow over its real routes: what callers are offered, what they take, and what becomes of it."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import orjson
import pytest
from common.app import Service
from common.db import Database
from intake.app import create_app
from intake.channels.phone.keeping import keep_once
from intake.channels.phone.ways import Ways
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside

BOT = "https://t.me/bot?start={call}"
WHOLE_DAY = {"callback_opens": time.min, "callback_closes": time.max}


class Desk:
    """Intake as the exchange and the operators see it."""

    def __init__(self, asked: Asked, database: Database, ways: Ways) -> None:
        self.asked, self.database, self.ways = asked, database, ways
        self.now = datetime.now(UTC)

    async def rows(self, query: str, *given: Any) -> list[Any]:
        async with self.database.transaction() as tx:
            return await tx.fetch(query, *given)

    async def events(self, name: str) -> list[dict[str, Any]]:
        rows = await self.rows("SELECT body FROM outbox WHERE name = $1 ORDER BY id", name)
        return [orjson.loads(row["body"]) for row in rows]

    async def queue(self, waiting: int, agents: int = 4, *, seconds: float = 30) -> None:
        """Callers who wait, behind agents who are all busy."""
        joined = [self._event(f"w-{n}", "joined", self.now - timedelta(seconds=seconds)) for n in range(waiting)]
        busy = [{"queue": "137", "agent": f"a-{n}", "state": "busy", "at": self.now.isoformat()} for n in range(agents)]
        answer = await self.asked.post("/v1/phone/events", "service", {"events": joined, "agents": busy})
        assert answer.status_code == 202

    async def tell(self, call_id: str, event: str, **given: Any) -> None:
        body = {"events": [self._event(call_id, event, given.pop("at", self.now), **given)]}
        assert (await self.asked.post("/v1/phone/events", "service", body)).status_code == 202

    def _event(self, call_id: str, event: str, at: datetime, **given: Any) -> dict[str, Any]:
        return {"call_id": call_id, "queue": "137", "event": event, "at": at.isoformat()} | given

    async def decide(self, call_id: str = "c1", caller: str | None = "09121234567", **given: Any) -> dict[str, Any]:
        body = {"call_id": call_id, "queue": "137"} | ({"caller": caller} if caller else {}) | given
        answer = await self.asked.post("/v1/phone/decisions", "service", body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def choose(self, choice: str, call_id: str = "c1", **given: Any) -> Any:
        body = {"choice": choice} | given
        return await self.asked.post(f"/v1/phone/decisions/{call_id}/choice", "service", body)

    async def outcome(self, call_id: str, outcome: str) -> Any:
        return await self.asked.post(f"/v1/phone/callbacks/{call_id}/outcomes", "operator", {"outcome": outcome})

    async def due_now(self) -> None:
        await self.rows("UPDATE callbacks SET due_at = $1", self.now - timedelta(minutes=1))

    async def take(self) -> dict[str, Any] | None:
        answer = await self.asked.post("/v1/phone/callbacks/next", "operator", {})
        return dict(answer.json()) if answer.status_code == 200 else None


@pytest.fixture
async def desk(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Desk]:
    database = await a_database(postgres, "intake", database_name)
    given = service_settings(database.address, keys) | {"bot_link": BOT, "app_link": "https://app/{call}"} | WHOLE_DAY
    app = create_app(Settings.model_construct(None, **given))
    service: Service = app.state.service
    accept: Any = app.state.reception
    async with beside(accept._accept.run()):
        yield Desk(Asked(app, keys), database, app.state.ways)
    await service.database.close()
    await database.close()


async def test_who_is_answered_soon_is_offered_nothing_else(desk: Desk) -> None:
    await desk.queue(waiting=2)
    decision = await desk.decide()
    assert (decision["offer"], decision["options"], decision["callback_at"]) == ("wait", ["wait"], None)
    assert 0 < decision["estimate_seconds"] < decision["at_most_seconds"] <= 180
    assert (await desk.choose("callback")).status_code == 409


async def test_who_would_wait_too_long_is_offered_other_ways(desk: Desk) -> None:
    await desk.queue(waiting=12)
    decision = await desk.decide()
    assert (decision["offer"], decision["options"]) == ("choice", ["wait", "callback", "link"])
    assert decision["estimate_seconds"] > 180
    assert datetime.fromisoformat(decision["callback_at"]) > desk.now


@pytest.mark.parametrize(("caller", "options"), [(None, ["wait"]), ("02188776655", ["wait", "callback"])])
async def test_a_way_needs_a_number_that_fits_it(desk: Desk, caller: str | None, options: list[str]) -> None:
    await desk.queue(waiting=12)
    assert (await desk.decide(caller=caller))["options"] == options


async def test_a_number_that_is_told_later_is_the_one_called_back(desk: Desk) -> None:
    await desk.queue(waiting=12)
    assert (await desk.decide(caller=None))["options"] == ["wait"]
    assert "callback" in (await desk.decide())["options"]
    assert (await desk.choose("callback")).status_code == 200
    await desk.due_now()
    taken = await desk.take()
    assert taken is not None
    assert taken["phone"] == "+989121234567"


async def test_a_queue_in_which_nobody_works_has_a_wait_all_the_same(desk: Desk) -> None:
    await desk.queue(waiting=1, agents=0)
    assert (await desk.decide())["estimate_seconds"] == 7200
    await desk.choose("link")
    [deflected] = await desk.events("call.deflected.v1")
    assert deflected["estimate_seconds"] == 7200


async def test_only_those_who_came_before_are_ahead(desk: Desk) -> None:
    await desk.queue(waiting=12)
    await desk.tell("early", "joined", at=desk.now - timedelta(seconds=60))
    assert (await desk.decide("early"))["offer"] == "wait"
    assert (await desk.decide("late"))["offer"] == "choice"


async def test_who_took_another_way_waits_no_more(desk: Desk) -> None:
    await desk.queue(waiting=12)
    before = (await desk.decide("c1"))["estimate_seconds"]
    for n in range(4):
        await desk.decide(f"w-{n}")
        await desk.rows("UPDATE decisions SET choice = 'link' WHERE call_id = $1", f"w-{n}")
    assert (await desk.decide("c1"))["estimate_seconds"] < before


async def test_who_waits_and_asks_again_is_told_of_the_place_they_have_now(desk: Desk) -> None:
    await desk.queue(waiting=12)
    before = (await desk.decide())["estimate_seconds"]
    await desk.choose("wait")
    await desk.rows("UPDATE calls SET answered_at = $1", desk.now)
    assert (await desk.decide())["estimate_seconds"] < before


async def test_a_link_carries_the_call_and_its_message_is_joined_to_it(desk: Desk) -> None:
    await desk.queue(waiting=12)
    await desk.decide("1764054000.137")
    first = await desk.choose("link", "1764054000.137")
    assert (await desk.decide("1764054000.137", at=desk.now.isoformat()))["choice"] == "link"
    again = await desk.choose("link", "1764054000.137")
    assert first.json() == again.json()
    assert first.json()["url"] == "https://t.me/bot?start=call-1764054000_2e137"
    [prompt] = await desk.events("prompt.requested.v1")
    assert (prompt["prompt"], prompt["values"]) == ("call_link", {"url": first.json()["url"]})
    [deflected] = await desk.events("call.deflected.v1")
    assert (deflected["call_id"], deflected["to"]) == ("1764054000.137", "link")
    body = {"text": "جوی محله پر از زباله است", "call_id": "call-1764054000_2e137"}
    await desk.asked.post("/v1/app/messages", "app", body)
    [message] = await desk.events("message.received.v1")
    assert message["call_id"] == "1764054000.137"
    assert "9121234567" not in str(await desk.rows("SELECT * FROM decisions")) + str(prompt)


async def test_who_waits_may_change_their_mind_and_nobody_else(desk: Desk) -> None:
    await desk.queue(waiting=12)
    await desk.decide()
    assert (await desk.choose("wait")).status_code == 200
    assert (await desk.choose("link", to="app")).json()["url"] == "https://app/call-c1"
    assert (await desk.choose("callback")).status_code == 409
    assert (await desk.choose("wait", "unknown")).status_code == 404
    assert len(await desk.events("call.deflected.v1")) == 1


async def test_a_callback_is_promised_taken_and_reached(desk: Desk) -> None:
    await desk.queue(waiting=12)
    decision = await desk.decide(keys="7")
    chosen = (await desk.choose("callback")).json()
    assert chosen["callback_at"] >= decision["callback_at"]
    assert await desk.take() is None
    await desk.due_now()
    taken = await desk.take()
    assert taken is not None
    assert (taken["phone"], taken["attempt"], taken["topic"]) == ("+989121234567", 1, decision["topic"])
    assert (await desk.outcome("c1", "reached")).json()["state"] == "reached"
    assert (await desk.outcome("c1", "reached")).json()["state"] == "reached"
    assert (await desk.outcome("c1", "missed")).status_code == 409
    states = [event["state"] for event in await desk.events("callback.changed.v1")]
    assert states == ["planned", "offered", "reached"]
    prompts = await desk.events("prompt.requested.v1")
    assert [prompt["prompt"] for prompt in prompts] == ["callback_planned"]


async def test_a_callback_is_tried_three_times_and_closed_with_an_sms(desk: Desk) -> None:
    await desk.queue(waiting=12)
    await desk.decide()
    await desk.choose("callback")
    for attempt in (1, 2, 3):
        await desk.due_now()
        taken = await desk.take()
        assert taken is not None
        assert taken["attempt"] == attempt
        answer = (await desk.outcome("c1", "missed")).json()
        assert answer["state"] == ("closed" if attempt == 3 else "missed")
        assert (await desk.outcome("c1", "missed")).json() == answer
    assert await desk.take() is None
    changed = [(event["state"], event["attempt"]) for event in await desk.events("callback.changed.v1")]
    tries = [(state, n) for n in (1, 2, 3) for state in ("offered", "missed")]
    assert changed == [("planned", 0), *tries, ("closed", 3)]
    prompts = [prompt["prompt"] for prompt in await desk.events("prompt.requested.v1")]
    assert prompts == ["callback_planned", "callback_closed"]


async def test_a_crash_gives_a_callback_back(desk: Desk) -> None:
    await desk.queue(waiting=12)
    await desk.decide()
    await desk.choose("callback")
    await desk.due_now()
    taken = await desk.take()
    assert await desk.take() is not None  # whoever holds one gets it again
    await desk.rows("UPDATE callbacks SET lease_until = $1", desk.now - timedelta(seconds=1))
    await keep_once(desk.database, desk.ways, desk.now)
    [row] = await desk.rows("SELECT * FROM callbacks")
    assert (row["state"], row["leased_by"]) == ("planned", None)
    assert (await desk.outcome("c1", "reached")).status_code == 409
    again = await desk.take()
    assert again is not None
    assert taken is not None
    assert (again["call_id"], again["attempt"]) == (taken["call_id"], 1)


async def test_operators_never_get_the_same_callback_and_get_them_in_order(desk: Desk) -> None:
    await desk.queue(waiting=12)
    for n in range(5):
        await desk.decide(f"c{n}", at=(desk.now + timedelta(seconds=n)).isoformat())
        await desk.choose("callback", f"c{n}")
    await desk.rows("DELETE FROM calls")
    await desk.due_now()
    async with desk.database.transaction() as tx:
        first = await tx.fetchval("SELECT call_id FROM callbacks ORDER BY due_at, asked_at LIMIT 1")
    taken = await desk.take()
    assert taken is not None
    assert taken["call_id"] == first == "c0"


async def test_what_nobody_called_back_in_days_is_closed(desk: Desk) -> None:
    await desk.queue(waiting=12)
    await desk.decide()
    await desk.choose("callback")
    assert await keep_once(desk.database, desk.ways, desk.now + timedelta(hours=49)) == 1
    assert await keep_once(desk.database, desk.ways, desk.now + timedelta(hours=50)) == 0
    assert [e["state"] for e in await desk.events("callback.changed.v1")] == ["planned", "closed"]


async def test_a_peak_of_callers_is_accounted_for_one_by_one(desk: Desk) -> None:
    """Sixty callers behind four operators, each taking what chance has them take; some at the same time."""
    dice = random.Random(5)
    await desk.queue(waiting=12)
    calls = [f"p-{n}" for n in range(60)]

    async def call(call_id: str) -> None:
        await desk.tell(call_id, "joined", at=desk.now)
        decision = await desk.decide(call_id, caller=f"0912{dice.randrange(10**7):07d}")
        choice = dice.choice(decision["options"])
        assert (await desk.choose(choice, call_id)).status_code == 200
        await desk.tell(call_id, "abandoned" if choice == "wait" else "ended", at=desk.now + timedelta(seconds=5))

    for start in range(0, 60, 6):
        await asyncio.gather(*map(call, calls[start : start + 6]))
    made, missing = 0, 0
    for _ in range(200):
        await desk.due_now()
        taken = await desk.take()
        if taken is None:
            break
        outcome = dice.choice(("reached", "missed"))
        made += outcome == "reached"
        missing += outcome == "missed"
        assert (await desk.outcome(taken["call_id"], outcome)).status_code == 200
    choices = Counter(row["choice"] for row in await desk.rows("SELECT choice FROM decisions"))
    deflected = Counter(event["to"] for event in await desk.events("call.deflected.v1"))
    assert sum(choices.values()) == 60
    assert deflected == Counter({to: n for to, n in choices.items() if to != "wait"})
    assert min(choices.values()) > 5
    ends = Counter(row["state"] for row in await desk.rows("SELECT state FROM callbacks"))
    assert set(ends) <= {"reached", "closed"}
    assert (ends["reached"], sum(ends.values())) == (made, choices["callback"])
    prompts = Counter(prompt["prompt"] for prompt in await desk.events("prompt.requested.v1"))
    told = {"call_link": choices["link"], "callback_planned": choices["callback"], "callback_closed": ends["closed"]}
    assert prompts == Counter({name: count for name, count in told.items() if count})
