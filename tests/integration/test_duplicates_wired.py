import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from common.db import Transaction
from common.events import Answer, Kind, MessageReceived, Place
from common.sealed import Sealer
from routing.app import create_app
from routing.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, a_message, a_reply, an_address, service_settings
from tests.integration.http import Asked
from tests.integration.test_routing import Routing
from tests.unit.test_duplicates import LON, north

POTHOLE = "چاله بزرگی وسط خیابان هست، لطفا آسفالت کنید"
IN_OTHER_WORDS = "سلام، جلوی پلاک ۱۲ یه گودال بزرگ باز شده، لطفا آسفالت کنید"
URGENT = "چاله عمیق وسط خیابان، بچه‌ای داخل چاله افتاده و گیر کرده، فوری کمک بفرستید"
VAGUE = "لطفا رسیدگی کنید، سه بار زنگ زدم و کسی نیامد"
CHILDS_EVENTS = ["case.opened.v1", "joined", "case.moved.v1", "done"]


def a_report(text: str = POTHOLE, *, metres: float = 0, **given: Any) -> MessageReceived:
    """A pothole, so many metres to the north of the point of all tests."""
    usual: dict[str, Any] = {"topic": "TC-POTHOLE", "kind": Kind.REQUEST, "place": Place(lat=north(metres), lon=LON)}
    return a_message(text=text, **usual | given)


class Wired(Routing):
    """Routing, with what these facts are about."""

    async def register(self, tx: Transaction, *messages: MessageReceived) -> None:
        await self._register(messages, tx)

    async def read(self, query: str, *arguments: object) -> list[Any]:
        async with self.database.transaction() as tx:
            return [tuple(row.values()) for row in await tx.fetch(query, *arguments)]

    async def parents(self, *messages: MessageReceived) -> list[str | None]:
        return [(await self.case(message.code))["parent"] for message in messages]

    async def finish(self, code: str) -> str:
        """Answer an open case."""
        await self.step(code, "work-orders", {})
        await self.step(code, "findings", {"finding": "actionable"})
        return await self.step(code, "completions", {"outcome": "چاله ترمیم شد"})


@pytest.fixture
async def routing(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Wired]:
    database = await a_database(postgres, "routing", database_name)
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    made = Wired(database, Asked(app, keys), Sealer.from_file(keys.seal_keys))
    for rulebook in (made.rulebook, app.state.rulebook):
        await rulebook.refresh(database, datetime.now(UTC))
    yield made
    await app.state.service.database.close()
    await database.close()


async def a_family(routing: Wired, children: int = 1) -> list[MessageReceived]:
    """A parent, and its children from a later batch."""
    messages = [a_report(), *(a_report(IN_OTHER_WORDS, metres=n % 20) for n in range(children))]
    await routing.receive(messages[0])
    await routing.receive(*messages[1:])
    return messages


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


async def test_an_answer_waits_for_a_child_that_is_joining(routing: Wired) -> None:
    await routing.receive(first := a_report())
    async with routing.database.transaction() as tx:
        await routing.register(tx, child := a_report(IN_OTHER_WORDS))
        answering = asyncio.create_task(routing.finish(first.code))
        await asyncio.sleep(0.5)
        assert not answering.done()
    assert await answering == "answered"
    assert await routing.events(child.code) == CHILDS_EVENTS


async def test_a_child_that_comes_while_its_parent_is_answered_stands_alone(routing: Wired) -> None:
    await routing.receive(first := a_report())
    children = a_report(IN_OTHER_WORDS), a_report(metres=3)
    async with routing.database.transaction() as tx:
        await tx.execute("UPDATE cases SET status = 'answered', answered_at = now() WHERE code = $1", first.code)
        joining = asyncio.create_task(routing.receive(*children))
        await asyncio.sleep(0.5)
        assert not joining.done()
    await joining
    assert await routing.parents(*children) == [None, children[0].code]


async def test_a_child_that_comes_while_its_parent_is_attached_goes_where_that_went(routing: Wired) -> None:
    await routing.receive(first := a_report(), other := a_report(metres=500))
    async with routing.database.transaction() as tx:
        moved = "UPDATE cases SET status = 'joined', parent = $2 WHERE code = $1"
        await tx.execute(moved, first.code, other.code)
        joining = asyncio.create_task(routing.receive(child := a_report(IN_OTHER_WORDS)))
        await asyncio.sleep(0.5)
        assert not joining.done()
    await joining
    assert await routing.parents(child) == [other.code]


async def test_replicas_that_join_and_one_that_answers_forget_nobody(routing: Wired) -> None:
    firsts = [a_report(metres=100 * n) for n in range(4)]
    await routing.receive(*firsts)
    reports = [a_report(IN_OTHER_WORDS, metres=100 * (n % 4) + n % 7) for n in range(400)]
    batches = [routing.receive(*reports[n : n + 20]) for n in range(0, 400, 20)]
    await asyncio.gather(*batches, *(routing.finish(first.code) for first in firsts))
    left = "SELECT count(*) FROM cases c JOIN cases p ON p.code = c.parent WHERE c.status = 'joined' AND p.status = $1"
    assert await routing.read(left, "answered") == [(0,)]
    told = "SELECT count(*) n FROM outbox WHERE body::json->>'told' = 'done' GROUP BY key"
    answered = await routing.read("SELECT count(*) FROM cases WHERE status = 'answered'")
    assert await routing.read(f"SELECT count(*), max(n) FROM ({told})") == [(answered[0][0], 1)]


async def test_thousands_of_children_are_answered_at_once(routing: Wired) -> None:
    first = (await a_family(routing, 3000))[0]
    assert (await routing.case(first.code))["children"] == 3000
    await routing.step(first.code, "work-orders", {})
    await routing.step(first.code, "findings", {"finding": "actionable"})
    started = time.perf_counter()
    assert await routing.step(first.code, "completions", {"outcome": "چاله ترمیم شد"}) == "answered"
    seconds = time.perf_counter() - started
    told = "SELECT count(DISTINCT key), count(*) FROM outbox WHERE body::json->>'told' = 'done'"
    assert await routing.read(told) == [(3001, 3001)]
    assert await routing.read("SELECT count(*) FROM cases WHERE status <> 'answered'") == [(0,)]
    assert seconds < 5


async def test_children_are_listed_in_pages(routing: Wired) -> None:
    first, *children = await a_family(routing, 5)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        path = f"/v1/cases/{first.code}/children"
        page = (await routing.asked.get(path, "staff:region-2", limit=2, **cursor)).json()
        seen += _codes(page["items"])
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


def _codes(items: Sequence[dict[str, Any]]) -> list[str]:
    return [item["code"] for item in items]
