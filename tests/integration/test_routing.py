import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.db import Database
from common.events import Answer, Channel, Kind, MessageReceived, Place, ReplyReceived, SealedAddress
from common.sealed import Sealer
from routing.app import create_app, rulebook_of
from routing.city import City
from routing.classify import Classifier
from routing.decide import Decider
from routing.handlers import Register, record_replies_with
from routing.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_database, a_message, a_reply, an_address, service_settings
from tests.integration.http import Asked


class Routing:
    """Routing's handlers on a database, and its routes."""

    def __init__(self, database: Database, asked: Asked, sealer: Sealer) -> None:
        city = City.load()
        self.database, self.asked, self.sealer = database, asked, sealer
        self.rulebook = rulebook_of(city)
        self.decider = Decider(city, Classifier.load(city.topics))
        self._register = Register(self.decider, self.rulebook).register_cases
        self._reply = record_replies_with(city)

    async def receive(self, *messages: MessageReceived) -> None:
        async with self.database.transaction() as tx:
            await self._register(messages, tx)

    async def hear(self, *replies: ReplyReceived) -> list[str]:
        """Why replies are set aside."""
        async with self.database.transaction() as tx:
            await self._reply(replies, tx)
        return [str(why) for why in tx.strays.values()]

    async def events(self, code: str) -> list[str]:
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT name, body::json->>'told' told FROM outbox WHERE key = $1 ORDER BY id", code)
        return [row["told"] or row["name"] for row in rows]

    async def case(self, code: str, who: str = "supervisor") -> dict[str, Any]:
        answer = await self.asked.get(f"/v1/cases/{code}", who)
        assert answer.status_code == 200
        case: dict[str, Any] = answer.json()
        return case | {"etag": answer.headers["etag"]}

    async def step(self, code: str, path: str, body: Any, who: str = "supervisor") -> str:
        etag = (await self.case(code))["etag"]
        answer = await self.asked.post(f"/v1/cases/{code}/{path}", who, body, If_Match=etag)
        return answer.json()["status"] if answer.status_code == 200 else str(answer.status_code)

    async def answered(self, number: str = "+989121234567", **given: Any) -> str:
        """A case whose citizen was told that it is done."""
        message = a_message(**{"reply_to": an_address(self.sealer, number)} | given)
        await self.receive(message)
        assert await self.step(message.code, "work-orders", {}) == "in_progress"
        assert await self.step(message.code, "findings", {"finding": "actionable"}) == "inspected"
        assert await self.step(message.code, "completions", {"outcome": "انجام شد"}) == "answered"
        return message.code


@contextlib.asynccontextmanager
async def a_routing(postgres: Postgres, name: str, keys: Keys) -> AsyncIterator[Routing]:
    """Routing on a fresh database, by the project's own rules."""
    database = await a_database(postgres, "routing", name)
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    made = Routing(database, Asked(app, keys), Sealer.from_file(keys.seal_keys))
    for rulebook in (made.rulebook, app.state.rulebook):
        await rulebook.refresh(database, datetime.now(UTC))
    yield made
    await app.state.service.database.close()
    await database.close()


@pytest.fixture
async def routing(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Routing]:
    async with a_routing(postgres, database_name, keys) as made:
        yield made


async def test_a_message_becomes_a_case_that_is_told_and_reported(routing: Routing) -> None:
    message = a_message(place=Place(lat=35.7550, lon=51.3051))
    await routing.receive(message)
    case = await routing.case(message.code)
    assert (case["unit"], case["status"], case["revision"]) == ("nahiye-5-1", "referred", 1)
    assert await routing.events(message.code) == ["case.opened.v1", "registered"]


async def test_a_message_published_again_with_another_id_opens_no_second_case(routing: Routing) -> None:
    message = a_message()
    await routing.receive(message)
    await routing.receive(a_message(code=message.code))
    assert await routing.events(message.code) == ["case.opened.v1", "registered"]


async def test_the_way_to_acceptance(routing: Routing) -> None:
    code = await routing.answered()
    await routing.hear(a_reply(Answer.ACCEPTED, phone_lookup=routing.sealer.lookup("+989121234567")))
    assert (await routing.case(code))["status"] == "accepted"
    assert [h["step"] for h in (await routing.case(code))["history"]] == [
        "refer",
        "order_work",
        "record_finding",
        "complete",
        "accept",
    ]
    assert await routing.events(code) == [
        "case.opened.v1",
        "registered",
        *["case.moved.v1"] * 3,
        "done",
        "case.moved.v1",
    ]


async def test_an_objection_reopens_and_is_told(routing: Routing) -> None:
    code = await routing.answered()
    await routing.hear(a_reply(Answer.OBJECTED, code=code))
    assert (await routing.case(code))["status"] == "reopened"
    assert (await routing.events(code))[-1] == "reopened"
    assert await routing.step(code, "work-orders", {}) == "in_progress"


async def test_a_reply_without_a_code_is_about_the_last_case_told_to_that_number(routing: Routing) -> None:
    first, second = await routing.answered(), await routing.answered()
    other = await routing.answered("+989351111111")
    lookup = routing.sealer.lookup("+989121234567")
    await routing.hear(a_reply(phone_lookup=lookup))
    assert [(await routing.case(c))["status"] for c in (first, second, other)] == ["answered", "accepted", "answered"]
    await routing.hear(a_reply(phone_lookup=lookup))
    assert (await routing.case(first))["status"] == "accepted"
    await routing.hear(a_reply(phone_lookup=lookup))
    assert len((await routing.case(first))["history"]) == 5


async def test_two_replies_of_one_number_in_a_batch_are_about_two_cases(routing: Routing) -> None:
    first, second = await routing.answered(), await routing.answered()
    lookup = routing.sealer.lookup("+989121234567")
    await routing.hear(a_reply(phone_lookup=lookup), a_reply(Answer.OBJECTED, phone_lookup=lookup))
    assert [(await routing.case(c))["status"] for c in (first, second)] == ["reopened", "accepted"]


async def test_what_a_citizen_tells_an_operator_is_for_staff_and_not_for_reporting(routing: Routing) -> None:
    code = await routing.answered()
    words = "خانم نمونه هستم، ۰۹۱۲۱۲۳۴۵۶۷"
    assert await routing.step(code, "replies", {"answer": "objected", "note": words}, "operator") == "reopened"
    assert await routing.step(code, "waits", {"question": "کدام کوچه؟"}) == "waiting"
    assert await routing.step(code, "resumptions", {"answer": words}, "operator") == "referred"
    steps = {step["step"]: step for step in (await routing.case(code))["history"]}
    assert [steps[name]["detail"] for name in ("object", "citizen_answered")] == [{"words": words}] * 2
    async with routing.database.transaction() as tx:
        bodies = [row[0] for row in await tx.fetch("SELECT body FROM outbox WHERE stream = 'activity.v1'")]
    assert not any("نمونه" in body for body in bodies)


async def test_replies_to_no_case_are_set_aside_and_the_others_are_heard(routing: Routing) -> None:
    code, other = await routing.answered(), await routing.answered("+989351111111")
    whys = await routing.hear(
        a_reply(phone_lookup="nobody"),
        a_reply(code="0000000000"),
        a_reply(code=code, phone_lookup="someone else"),
        a_reply(code=other),
    )
    assert whys == [
        "no case of this number or account awaits an answer",
        "no case has the code 0000000000",
        "the reply names a case of another number or account",
    ]
    assert [(await routing.case(c))["status"] for c in (code, other)] == ["answered", "accepted"]


async def test_a_reply_of_another_account_is_set_aside_but_with_the_cases_number(routing: Routing) -> None:
    mine = SealedAddress(account="sealed", account_lookup="mine", phone_lookup="my number")
    code = await routing.answered(reply_to=mine, channel=Channel.SOCIAL, platform="telegram")
    assert await routing.hear(a_reply(code=code, platform="telegram", account_lookup="theirs"))
    assert await routing.hear(a_reply(code=code, platform="bale", account_lookup="theirs, there"))
    ours = a_reply(code=code, platform="bale", account_lookup="mine, there", phone_lookup="my number")
    assert not await routing.hear(ours)
    assert (await routing.case(code))["status"] == "accepted"


async def test_staff_see_and_touch_their_units_cases_alone(routing: Routing) -> None:
    message = a_message(reply_to=an_address(routing.sealer))
    await routing.receive(message)
    assert (await routing.case(message.code, "staff:region-5"))["phone"] == "+989121234567"
    assert (await routing.asked.get(f"/v1/cases/{message.code}", "staff:region-6")).status_code == 404
    foreign = await routing.asked.post(f"/v1/cases/{message.code}/work-orders", "staff:region-6", {}, If_Match='"1"')
    assert foreign.status_code == 404
    assert (await routing.asked.get("/v1/cases", "staff:region-6")).json()["items"] == []


async def test_a_step_needs_the_revision_that_was_seen(routing: Routing) -> None:
    await routing.receive(message := a_message())
    path = f"/v1/cases/{message.code}/work-orders"
    assert (await routing.asked.post(path, "supervisor", {})).status_code == 428
    assert (await routing.asked.post(path, "supervisor", {}, If_Match='"1"')).status_code == 200
    stale = await routing.asked.post(path, "supervisor", {}, If_Match='"1"')
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    wrong = await routing.asked.post(path, "supervisor", {}, If_Match='"2"')
    assert (wrong.status_code, wrong.json()["allowed"]) == (409, ["record_finding", "close", "defer", "join"])


async def test_the_same_key_takes_a_step_once(routing: Routing) -> None:
    await routing.receive(message := a_message())
    path = f"/v1/cases/{message.code}/work-orders"
    first = await routing.asked.post(path, "supervisor", {}, If_Match='"1"', Idempotency_Key="k")
    again = await routing.asked.post(path, "supervisor", {}, If_Match='"1"', Idempotency_Key="k")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json()["revision"] == first.json()["revision"] == 2
    other = await routing.asked.post(path, "supervisor", {"note": "x"}, If_Match='"1"', Idempotency_Key="k")
    assert other.status_code == 422


async def test_a_bounce_goes_to_triage_and_to_another_body_is_told(routing: Routing) -> None:
    await routing.receive(first := a_message(), second := a_message())
    assert await routing.step(first.code, "bounces", {"reason": "نه ما"}) == "referred"
    assert (await routing.case(first.code))["unit"] == "hq-triage"
    assert await routing.step(second.code, "bounces", {"reason": "برق", "to": "hq-refer-121"}) == "referred"
    assert (await routing.events(second.code))[-1] == "bounced"
    assert await routing.step(first.code, "referrals", {"unit": "no-such", "reason": "x"}) == "422"


async def test_the_worklist_filters_pages_and_sorts(routing: Routing) -> None:
    urgent = [a_message(topic="GS-TREE-FALL") for _ in range(3)]
    plain = [a_message(received_at=NOW - timedelta(days=n)) for n in range(6)]
    await routing.receive(*plain, *urgent, a_message(place=Place(region=6)))
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await routing.asked.get("/v1/cases", "staff:region-5", limit=2, **cursor)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len({case["code"] for case in seen}) == len(seen) == 9
    assert [case["urgent"] for case in seen] == [True] * 3 + [False] * 6
    assert [c["deadline"] for c in seen[3:]] == sorted(c["deadline"] for c in seen[3:])
    overdue = (await routing.asked.get("/v1/cases", "supervisor", overdue=True)).json()["items"]
    assert {case["code"] for case in overdue} == {m.code for m in plain[2:]} | ({plain[2].code})
    assert (await routing.asked.get("/v1/cases", "supervisor", cursor="nonsense")).status_code == 422


async def test_only_operators_search_by_number(routing: Routing) -> None:
    await routing.receive(message := a_message(reply_to=an_address(routing.sealer)), a_message())
    found = (await routing.asked.get("/v1/cases", "operator", phone="۰۹۱۲۱۲۳۴۵۶۷")).json()["items"]
    assert [case["code"] for case in found] == [message.code]
    assert (await routing.asked.get("/v1/cases", "staff:region-5", phone="09121234567")).status_code == 403
    assert (await routing.asked.get("/v1/cases", "operator", phone="x")).status_code == 422


async def test_a_dry_run_stores_nothing_and_gives_reasons(routing: Routing) -> None:
    questions = [{"text": "لایروبی جوی و نهر", "place": {"region": 5}}, {"text": "سلام لطفا رسیدگی کنید"}]
    answer = await routing.asked.post("/v1/decisions", "operator", questions)
    gutter, none = answer.json()
    assert (gutter["topic"], gutter["unit"], gutter["region"]) == ("US-GUTTER", "region-5", 5)
    assert (none["topic"], none["unit"]) == (None, "hq-triage")
    assert [reason["step"] for reason in gutter["reasons"]] == ["topic", "place", "urgency", "rule", "unit", "deadline"]
    assert (await routing.asked.get("/v1/cases", "supervisor")).json()["items"] == []


async def test_a_question_is_answered_without_a_visit(routing: Routing) -> None:
    await routing.receive(message := a_message(kind=Kind.INQUIRY))
    assert await routing.step(message.code, "work-orders", {}) == "409"
    assert await routing.step(message.code, "completions", {"outcome": "بازارچه جمعه‌ها باز است"}) == "answered"
    assert (await routing.events(message.code))[-1] == "done"


async def test_what_another_body_does_is_told_and_closed_and_an_objection_reopens_it(routing: Routing) -> None:
    address = an_address(routing.sealer, "+989121234567")
    await routing.receive(message := a_message(topic="XX-POWER", reply_to=address))
    assert (await routing.case(message.code))["status"] == "closed"
    assert await routing.events(message.code) == ["case.opened.v1", "case.moved.v1", "out_of_scope"]
    await routing.hear(a_reply(Answer.OBJECTED, phone_lookup=routing.sealer.lookup("+989121234567")))
    case = await routing.case(message.code)
    assert (case["status"], case["unit"]) == ("reopened", "hq-triage")


async def test_a_bare_31_is_about_the_answer_and_not_about_what_was_closed_at_once(routing: Routing) -> None:
    code, phone = await routing.answered(), "+989121234567"
    await routing.receive(a_message(topic="XX-POWER", reply_to=an_address(routing.sealer, phone)))
    await routing.hear(a_reply(Answer.ACCEPTED, phone_lookup=routing.sealer.lookup(phone)))
    assert (await routing.case(code))["status"] == "accepted"


async def test_the_same_key_at_once_takes_the_step_once(routing: Routing) -> None:
    await routing.receive(message := a_message())
    headers = {"If_Match": '"1"', "Idempotency_Key": "k1"}
    path = f"/v1/cases/{message.code}/work-orders"
    both = [routing.asked.post(path, "supervisor", {}, **headers) for _ in range(2)]
    assert [answer.status_code for answer in await asyncio.gather(*both)] == [200, 200]
    assert (await routing.case(message.code))["revision"] == 2
