import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from common.db import Database
from common.events import (
    CallChanged,
    CallEvent,
    CaseOpened,
    Channel,
    DeadlinePassed,
    Event,
    IncidentChanged,
    IncidentClosed,
    IncidentOpened,
    NotificationDelivered,
    NotificationFailed,
    Status,
    Step,
    Told,
)
from common.http import encode_cursor
from reporting.api import keys_after
from reporting.app import create_app
from reporting.handlers import HANDLERS
from reporting.models import FACTS, table
from reporting.settings import Settings
from uuid_utils.compat import uuid7
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, a_move, a_sending, an_incident_event, an_opening, service_settings
from tests.integration.http import Asked

MORNING = datetime(2026, 11, 24, 6, tzinfo=UTC)


class Reporting:
    """Reporting's handlers on a database, and its routes."""

    def __init__(self, database: Database, asked: Asked) -> None:
        self.database, self.asked = database, asked

    async def receive(self, events: Sequence[Event], batch: int = 1000) -> None:
        for start in range(0, len(events), batch):
            async with self.database.transaction() as tx:
                for kind, handler in HANDLERS.items():
                    if some := [e for e in events[start : start + batch] if type(e) is kind]:
                        await handler(some, tx)

    async def facts(self) -> dict[str, list[Any]]:
        async with self.database.transaction() as tx:
            return {
                table(fact).name: sorted(str(dict(row)) for row in await tx.fetch(f"SELECT * FROM {table(fact).name}"))
                for fact in FACTS
            }

    async def forget(self) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(f"TRUNCATE {', '.join(table(fact).name for fact in FACTS)}")

    async def shift(self, name: str) -> dict[str, Any]:
        report = (await self.asked.get("/v1/reports/shifts", "supervisor", **{"from": "1405-09-03"})).json()
        [found] = [item for item in report["items"] if item["shift"] == name and item["day"] == "2026-11-24"]
        return dict(found)


@pytest.fixture
async def reporting(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Reporting]:
    database = await a_database(postgres, "reporting", database_name)
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    yield Reporting(database, Asked(app, keys))
    await app.state.service.database.close()
    await database.close()


def a_day() -> list[Event]:
    """Three cases and three calls of one morning."""
    times = {"occurred_at": MORNING, "received_at": MORNING, "at": MORNING + timedelta(milliseconds=100)}
    late = times | {"at": MORNING + timedelta(seconds=2)}
    due = {"deadline": MORNING + timedelta(hours=1)}
    done = an_opening(**times, **due, level="nahiye", unit="nahiye-5-1", urgent=True)
    slow = an_opening(**late, **due, channel=Channel.PHONE, call_id="c1")
    triage = an_opening(**times, **due, channel=Channel.SOCIAL, level="hq", unit="hq-triage", urgent=True)
    answered_at, too_late = MORNING + timedelta(minutes=30), MORNING + timedelta(hours=2)
    own = {"unit": "nahiye-5-1", "level": "nahiye"}
    sms = a_sending(done.code, at=MORNING)
    told = {"at": answered_at, "code": done.code, "notification": sms.notification, "told": sms.told, "means": "sms"}
    return [
        *(done, slow, triage, sms, NotificationDelivered(**told), a_sending(slow.code, at=MORNING)),
        NotificationFailed(at=MORNING, code=triage.code, notification=done.id, told=Told.DONE, means="sms", reason="x"),
        a_move(done.code, 2, Step.ORDER_WORK, Status.IN_PROGRESS, at=answered_at, **own),
        a_move(done.code, 3, Step.CLOSE, Status.ANSWERED, at=answered_at, **own),
        a_move(done.code, 4, Step.ACCEPT, Status.ACCEPTED, at=answered_at, channel=Channel.SOCIAL, **own),
        a_move(slow.code, 2, Step.CLOSE, Status.ANSWERED, at=too_late),
        *_call("c1", wait=30, answered=True),
        *_call("c2", wait=90, answered=False),
        *_call("c3", wait=60, answered=True),
    ]


def _call(call_id: str, *, wait: float, answered: bool) -> list[Event]:
    def event(kind: CallEvent, seconds: float) -> Event:
        return CallChanged(at=MORNING + timedelta(seconds=seconds), call_id=call_id, queue="137", event=kind)

    if not answered:
        return [event(CallEvent.JOINED, 0), event(CallEvent.ABANDONED, wait)]
    ring = event(CallEvent.OFFERED, wait - 5)
    return [event(CallEvent.JOINED, 0), ring, event(CallEvent.ANSWERED, wait), event(CallEvent.ENDED, wait + 60)]


async def test_the_figures_of_a_shift(reporting: Reporting) -> None:
    await reporting.receive(a_day())
    shift = await reporting.shift("morning")
    assert shift["contacts"] == {"phone": 3, "social": 2, "app": 1}
    assert shift["calls"] == {"offered": 2, "answered": 2, "abandoned": 1, "mean_wait": 60.0, "p95_wait": 87.0}
    expected = {
        "messages": 3,
        "handled_in_nahiye": 0.3333,
        "handled_at_hq": 0.3333,
        "referred_within_a_second": 0.6667,
        "answered": 2,
        "answered_within_deadline": 0.5,
        "urgent": 2,
        "urgent_answered_in_time": 0.5,
        "sms_sent": 2,
        "sms_delivered": 1,
        "accepted": 1,
        "objected": 0,
    }
    assert {name: shift[name] for name in expected} == expected
    assert (await reporting.shift("noon"))["messages"] == 0


async def test_a_child_is_told_from_a_matter_of_its_own(reporting: Reporting) -> None:
    parent, child = an_opening(), an_opening(parent="1234567897")
    answered = a_move(child.code, 2, Step.ANSWER_WITH, Status.ANSWERED, parent="1234567897")
    await reporting.receive([answered, child, parent])
    async with reporting.database.transaction() as tx:
        assert await tx.fetchval("SELECT array_agg(code) FROM case_facts WHERE parent IS NULL") == [parent.code]
    steps = (await reporting.asked.get(f"/v1/cases/{child.code}/timeline", "supervisor")).json()["steps"]
    assert [step["step"] for step in steps if step["detail"].get("parent") == "1234567897"] == ["joined", "answer_with"]


def a_passing(code: str, mark: str, hours: int) -> DeadlinePassed:
    due_at = MORNING + timedelta(hours=hours)
    up = "hq-triage" if mark == "breach" else None
    at = due_at + timedelta(seconds=1)
    return DeadlinePassed(at=at, code=code, revision=2, mark=mark, due_at=due_at, unit="region-5", escalated_to=up)


def a_late_day() -> list[Event]:
    """Of the three cases of a morning one breached twice, for it was opened again, and one was nearly late."""
    day = a_day()
    late, near = day[1].key, day[2].key
    topic = {"topic": "US-WASTE-BIN"}
    return [
        *(*day, a_passing(late, "warning", 1), a_passing(late, "breach", 2), a_passing(late, "breach", 50)),
        *(a_passing(near, "warning", 1), a_passing(near, "response_overdue", 1)),
        a_move(late, 3, Step.CORRECT_TOPIC, Status.REGISTERED, at=MORNING + timedelta(hours=3), **topic),
        a_move(late, 4, Step.REFER, Status.REFERRED, at=MORNING + timedelta(hours=3)),
    ]


async def test_cases_that_were_late_or_nearly_are_counted_once_each(reporting: Reporting) -> None:
    day = a_late_day()
    for events in (day, _shuffled(day, 1), _shuffled(day, 2)):
        await reporting.forget()
        await reporting.receive(events, batch=3)
        shift = await reporting.shift("morning")
        assert (shift["messages"], shift["warned"], shift["breached"]) == (3, 2, 1)
        assert len((await reporting.facts())["deadline_facts"]) == 5
    query = {"from": "2026-11-24", "to": "2026-11-24"}
    units = (await reporting.asked.get("/v1/reports/units", "supervisor", **query)).json()["items"]
    assert {item["key"]: (item["warned"], item["breached"]) for item in units} == {
        "nahiye-5-1": (0, 0),
        "region-5": (1, 1),
        "hq-triage": (1, 0),
    }
    topics = (await reporting.asked.get("/v1/reports/topics", "supervisor", **query)).json()["items"]
    assert {item["key"]: item["messages"] for item in topics} == {"US-GUTTER": 2, "US-WASTE-BIN": 1}
    steps = (await reporting.asked.get(f"/v1/cases/{day[1].key}/timeline", "operator")).json()["steps"]
    assert [step["step"] for step in steps if step["step"] in ("warning", "breach")] == ["warning", "breach", "breach"]


async def test_shuffled_and_doubled_events_give_the_same_facts(reporting: Reporting) -> None:
    day = a_late_day()
    await reporting.receive(day)
    expected = await reporting.facts()
    for seed in range(12):
        await reporting.forget()
        await reporting.receive(_shuffled(day, seed), batch=1 + seed)
        assert await reporting.facts() == expected


def _shuffled(events: Sequence[Event], seed: int) -> list[Event]:
    dice = random.Random(seed)
    twice = [*events, *dice.choices(events, k=len(events))]
    dice.shuffle(twice)
    return twice


@pytest.mark.parametrize(("report", "groups"), [("channels", 3), ("units", 3), ("topics", 1)])
async def test_the_same_figures_by_key(reporting: Reporting, report: str, groups: int) -> None:
    await reporting.receive(a_day())
    path = f"/v1/reports/{report}"
    query: dict[str, Any] = {"from": "2026-11-24", "to": "2026-11-24"}
    items = (await reporting.asked.get(path, "supervisor", **query)).json()["items"]
    assert len(items) == groups
    assert sum(item["messages"] for item in items) == 3
    assert sum(item["sms_sent"] for item in items) == 2
    if report != "channels":
        page = (await reporting.asked.get(path, "supervisor", **query, limit=1)).json()
        assert (page["items"], page["next_cursor"] is None) == (items[:1], groups == 1)


def test_pages_leave_nothing_out_when_the_database_sorts_by_a_language() -> None:
    rows = [{"key": key} for key in ("CS-PARK", "unknown", "US-GUTTER")]  # as en_US has them
    first, *left = keys_after(None, rows)
    assert keys_after(encode_cursor(first["key"]), rows) == left
    assert keys_after(encode_cursor("US-GUTTER"), rows) == [{"key": "unknown"}]


async def test_a_timeline_is_in_order_and_unknown_codes_are_404(reporting: Reporting) -> None:
    day = a_day()
    await reporting.receive(day)
    steps = (await reporting.asked.get(f"/v1/cases/{day[0].key}/timeline", "operator")).json()["steps"]
    assert [s["step"] for s in steps][:3] == ["received", "sent", "referred"]
    assert [s["step"] for s in steps][-1] in ("accept", "delivered")
    assert (await reporting.asked.get("/v1/cases/0000000000/timeline", "operator")).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"from": "x"},
        {"from": "1405-13-01"},
        {"from": "2026-01-01", "to": "2026-12-31"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "0001-01-01"},
    ],
)
async def test_dates_that_do_not_fit_are_422(reporting: Reporting, query: dict[str, str]) -> None:
    answer = await reporting.asked.get("/v1/reports/shifts", "supervisor", **query)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def a_snow(*codes: str) -> tuple[list[Event], UUID, UUID]:
    """Two incidents of one family, the first merged into the second; a case with each of three of their events."""
    first, second = uuid7(), uuid7()
    hour = timedelta(hours=1)
    events = [
        an_incident_event(IncidentOpened, first, 1, at=MORNING, first_seen=MORNING - hour, codes=codes[:1]),
        an_incident_event(IncidentChanged, first, 2, at=MORNING, state="confirmed", codes=codes[1:2], regions=(5, 6)),
        an_incident_event(IncidentClosed, first, 3, at=MORNING + hour, regions=(5, 6), by="s"),
        an_incident_event(IncidentOpened, second, 1, at=MORNING + hour, first_seen=MORNING, codes=codes[2:]),
        an_incident_event(IncidentChanged, first, 4, state="merged", merged_into=second, regions=(5, 6)),
        an_incident_event(IncidentChanged, second, 2, state="open", regions=(5, 6), nahiye=("5-2",)),
    ]
    return list(events), first, second


async def test_messages_of_incidents_are_told_apart(reporting: Reporting) -> None:
    day = a_day()
    codes = [event.code for event in day[:3] if isinstance(event, CaseOpened)]
    events, first, second = a_snow(*codes[:2])
    await reporting.receive([*events, *day])
    shift = await reporting.shift("morning")
    assert (shift["messages"], shift["incident_messages"]) == (3, 2)
    query: dict[str, Any] = {"from": "2026-11-24", "to": "2026-11-24"}
    [topic] = (await reporting.asked.get("/v1/reports/topics", "supervisor", **query)).json()["items"]
    assert (topic["key"], topic["messages"], topic["incident_messages"]) == ("US-GUTTER", 3, 2)
    page = (await reporting.asked.get("/v1/reports/incidents", "supervisor", **query, limit=1)).json()
    rest = await reporting.asked.get("/v1/reports/incidents", "supervisor", **query, cursor=page["next_cursor"])
    [gone], [stays] = page["items"], rest.json()["items"]
    assert (gone["incident"], gone["state"], gone["messages"]) == (str(first), "merged", 0)
    assert (stays["incident"], stays["state"], stays["regions"]) == (str(second), "open", [5, 6])
    assert (stays["messages"], stays["urgent"], stays["answered"], stays["sms_sent"]) == (2, 1, 2, 2)


async def test_shuffled_and_doubled_events_of_incidents_give_the_same_facts(reporting: Reporting) -> None:
    events, _, second = a_snow("1", "2", "3")
    await reporting.receive(events)
    expected = await reporting.facts()
    assert len(expected["incident_members"]) == 3
    assert str(second) in str(expected["incident_facts"])
    for seed in range(12):
        await reporting.forget()
        await reporting.receive(_shuffled(events, seed), batch=1 + seed % 4)
        assert await reporting.facts() == expected
