"""The operator's form and the supervisor's plan, over their real routes; routing is a small server beside."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from common.calendar import TEHRAN
from common.codes import new_code
from common.db import Database
from common.persian import parse_phone
from intake.app import create_app
from intake.channels.phone.callers import CALLS, MOST
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside

NUMBER = "09121234567"
CASES = [{"code": "1234567897", "status": "in_progress"}, {"code": "2222222226", "status": "answered"}]


class Routing:
    """Answers `GET /v1/callers` as routing does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.page: bytes | None = None  # of a proxy that does not find routing

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split()[1])
        body = orjson.dumps({"items": CASES, "next_cursor": None} if self.status == 200 else {"detail": "no"})
        body = body if self.page is None else self.page
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Desk:
    """Intake as an operator and a supervisor see it."""

    def __init__(self, asked: Asked, database: Database, routing: Routing) -> None:
        self.asked, self.database, self.routing = asked, database, routing

    async def rows(self, query: str) -> list[Any]:
        async with self.database.transaction() as tx:
            return await tx.fetch(query)

    async def note(self, **given: Any) -> Any:
        headers = {"Idempotency_Key": given.pop("key")} if "key" in given else {}
        return await self.asked.post("/v1/phone/contacts", "operator", {"call_id": "c1"} | given, **headers)


@pytest.fixture
async def desk(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Desk]:
    database, routing = await a_database(postgres, "intake", database_name), Routing()
    server = await asyncio.start_server(routing.answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    given = service_settings(database.address, keys) | {"routing_url": url, "routing_token": keys.service_token}
    app = create_app(Settings.model_construct(None, **given))
    accept: Any = app.state.reception
    async with beside(accept._accept.run()):
        yield Desk(Asked(app, keys), database, routing)
    await app.state.routing.close()
    await app.state.service.database.close()
    await database.close()
    server.close()
    await server.wait_closed()


async def test_a_caller_is_known_when_the_telephone_rings(desk: Desk) -> None:
    body = {"text": "چراغ کوچه خاموش است", "phone": NUMBER, "call_id": "c0"}
    code = (await desk.asked.post("/v1/phone/messages", "operator", body)).json()["code"]
    await desk.asked.post("/v1/phone/messages", "operator", body | {"phone": "09120000000"})
    decision = {"call_id": "c1", "queue": "137", "caller": NUMBER, "keys": "7", "at": "2020-01-01T00:00:00Z"}
    await desk.asked.post("/v1/phone/decisions", "service", decision)
    found = (await desk.asked.get("/v1/phone/callers/0098912 123 4567", "operator")).json()
    assert [case["code"] for case in found["open"]] == ["1234567897"]
    assert [case["code"] for case in found["history"]] == ["2222222226"]
    assert [(m["code"], m["call_id"]) for m in found["fresh"]] == [(code, "c0")]
    assert [call["call_id"] for call in found["calls"]] == ["c1"]
    assert found["complete"]
    number = parse_phone(NUMBER)
    assert number is not None
    assert desk.routing.asked == [f"/v1/callers?phone={number.e164.replace('+', '%2B')}&limit={MOST}"]


async def test_the_calls_of_a_number_are_found_by_it_and_not_among_those_of_all_years(desk: Desk) -> None:
    async with desk.database.transaction() as tx:
        await tx.execute("SET LOCAL enable_seqscan = off")
        plan = await tx.fetch(f"EXPLAIN {CALLS}", datetime.now(UTC), "hash", MOST)
    assert "decisions_caller" in " ".join(row[0] for row in plan)


@pytest.mark.parametrize("status", [503, 401, 403])  # also when it is our own token that it refuses
async def test_a_call_is_answered_though_routing_is_away(desk: Desk, status: int) -> None:
    desk.routing.status = status
    answer = await desk.asked.get(f"/v1/phone/callers/{NUMBER}", "operator")
    assert (answer.status_code, answer.json()["open"], answer.json()["complete"]) == (200, [], False)
    assert (await desk.asked.get("/v1/phone/callers/12", "operator")).status_code == 422


@pytest.mark.parametrize("status", [200, 302, 404])
async def test_a_call_is_answered_though_a_proxy_answers_for_routing(desk: Desk, status: int) -> None:
    desk.routing.status, desk.routing.page = status, b"<html>default backend</html>"
    answer = await desk.asked.get(f"/v1/phone/callers/{NUMBER}", "operator")
    assert (answer.status_code, answer.json().get("complete")) == (200, False)


async def test_keys_give_a_message_its_topic_where_the_operator_chose_none(desk: Desk) -> None:
    body = {"text": "برف معبر را بسته است", "keys": "7"}
    await desk.asked.post("/v1/phone/messages", "operator", body)
    await desk.asked.post("/v1/phone/messages", "operator", body | {"topic": "US-SALT"})
    menu = (await desk.asked.post("/v1/phone/decisions", "service", {"call_id": "c", "queue": "q", "keys": "7"})).json()
    topics = [row["topic"] for row in await desk.rows("SELECT topic FROM messages ORDER BY received_at")]
    assert topics == [menu["topic"], "US-SALT"]


async def test_a_follow_up_is_a_contact_and_no_case(desk: Desk) -> None:
    code = new_code()
    first = await desk.note(reason="follow_up", code=code, key="k")
    again = await desk.note(reason="follow_up", code=code, key="k")
    assert (first.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert (await desk.note(reason="guidance", key="k")).status_code == 422
    await desk.note(reason="follow_up", code=code)
    await desk.note(reason="guidance")
    await desk.note(reason="guidance")
    rows = await desk.rows("SELECT body FROM outbox WHERE name = 'contact.recorded.v1' ORDER BY id")
    events = [orjson.loads(row["body"]) for row in rows]
    assert [(event["reason"], event["code"]) for event in events] == [("follow_up", code), ("guidance", None)]
    assert await desk.rows("SELECT 1 FROM messages") == []


@pytest.mark.parametrize(
    "given",
    [
        {"reason": "follow_up"},
        {"reason": "guidance", "code": "1234567897"},
        {"reason": "follow_up", "code": "1234567890"},
        {"reason": "because"},
    ],
)
async def test_a_contact_that_does_not_fit_is_refused(desk: Desk, given: dict[str, str]) -> None:
    answer = await desk.note(**given)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_a_day_is_planned_by_the_calls_of_like_days(desk: Desk) -> None:
    day = (datetime.now(UTC) - timedelta(days=1)).astimezone(TEHRAN).date()
    await _calls(desk, day - timedelta(weeks=1), 120)
    await _calls(desk, day - timedelta(weeks=2), 60)
    query = {"date": day.isoformat(), "queue": "137"}
    plan = (await desk.asked.get("/v1/phone/staffing", "supervisor", **query)).json()
    assert plan["like_days"] == [(day - timedelta(weeks=n)).isoformat() for n in (2, 1)]
    assert plan["service_seconds"] == pytest.approx(145, abs=1)
    at_ten = plan["items"][20]
    assert at_ten["begins"].startswith(f"{day.isoformat()}T06:30")
    assert at_ten["calls"] == 90
    assert at_ten["for_180_with_patience"] <= at_ten["for_180"]
    assert 7 < at_ten["for_80_20"] < 14
    assert plan["items"][0] | {"begins": ""} == {
        "begins": "",
        "calls": 0,
        "for_80_20": 0,
        "for_180": 0,
        "for_180_with_patience": 0,
    }
    assert (await desk.asked.get("/v1/phone/staffing", "supervisor", date="x", queue="137")).status_code == 422


async def _calls(desk: Desk, day: date, count: int) -> None:
    """Calls from 10:00 to 10:30 in Tehran, of 150 seconds each."""
    begin = datetime(day.year, day.month, day.day, 10, tzinfo=TEHRAN)
    async with desk.database.transaction() as tx:
        for n in range(count):
            joined = begin + timedelta(seconds=n * 1800 / count)
            moments = (joined, joined + timedelta(seconds=5), joined + timedelta(seconds=155))
            await tx.execute(
                "INSERT INTO calls (call_id, queue, joined_at, answered_at, ended_at) VALUES ($1, '137', $2, $3, $4)",
                f"{day}-{n}",
                *moments,
            )
