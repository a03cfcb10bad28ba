import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from common.events import Answer, Kind
from routing.app import main
from routing.correction_lines import correction_lines
from routing.training.corrections import import_corrections
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_reply, an_address, service_settings
from tests.integration.desks import CITY, SECOND, Desks, some_desks
from tests.integration.families import IN_OTHER_WORDS, POTHOLE, a_report

UNCLEAR = {"text": "سلام لطفا رسیدگی کنید", "topic": None}


@pytest.fixture
async def desks(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Desks]:
    async with some_desks(postgres, database_name, keys) as made:
        yield made


def to(topic: str) -> dict[str, str]:
    return {"topic": topic, "reason": "تلفنی پرسیده شد"}


async def corrections(desks: Desks) -> list[dict[str, Any]]:
    async with desks.database.transaction() as tx:
        return [dict(row) for row in await tx.fetch("SELECT * FROM corrections ORDER BY at, revision")]


async def test_a_topic_that_a_person_gives_sends_the_case_where_the_rules_say(desks: Desks) -> None:
    code = await desks.opened(**UNCLEAR)
    before = await desks.case(code)
    assert (before["unit"], before["topic"]) == ("hq-triage", None)
    assert await desks.step(code, "corrections", to("US-GUTTER"), "operator") == "referred"
    case = await desks.case(code)
    assert (case["unit"], case["topic"], case["suggestions"]) == ("region-5", "US-GUTTER", None)
    assert case["rule"] == before["rule"]
    correct, refer = case["history"][1:]
    assert (correct["step"], correct["reason"], correct["detail"]) == (
        "correct_topic",
        "تلفنی پرسیده شد",
        {"from": None, "to": "US-GUTTER"},
    )
    assert (refer["step"], refer["unit"], refer["by"] == correct["by"]) == ("refer", "region-5", True)
    [kept] = await corrections(desks)
    assert (kept["from_topic"], kept["to_topic"], kept["by"], kept["revision"]) == (
        None,
        "US-GUTTER",
        correct["by"],
        correct["revision"],
    )
    assert [event["topic"] for event in await desks.bodies(code, "case.moved.v1")] == ["US-GUTTER", None]


async def test_what_had_no_topic_is_counted_from_the_correction_and_the_rest_from_the_receipt(desks: Desks) -> None:
    old = NOW - timedelta(days=30)
    unclear, clear = await desks.opened(**UNCLEAR, received_at=old), await desks.opened(received_at=old)
    await desks.look(NOW)
    assert "breach" in await desks.passed(unclear)
    await desks.step(unclear, "corrections", to("US-GUTTER"))
    await desks.step(clear, "corrections", to("US-CLEAN-ALLEY"))
    began, counted = await desks.row(unclear), await desks.row(clear)
    assert (began["deadline"] > NOW, began["marks"], began["escalated_to"]) == (True, [], None)
    assert (counted["deadline"] < NOW, "breach" in counted["marks"]) == (True, True)
    await desks.look(began["deadline"])
    assert (await desks.passed(unclear)).count("breach") == 2
    assert (await desks.passed(clear)).count("breach") == 1


async def test_an_urgent_topic_makes_the_case_urgent(desks: Desks) -> None:
    code = await desks.opened(**UNCLEAR)
    await desks.step(code, "corrections", to("GS-TREE-FALL"))
    row = await desks.row(code)
    assert (row["urgent"], row["counted_by"]) == (True, "clock")
    assert row["deadline"] - row["received_at"] < timedelta(days=1)


async def test_a_topic_of_another_body_closes_the_case_and_tells_it_once(desks: Desks) -> None:
    code = await desks.opened(reply_to=an_address(desks.sealer))
    assert await desks.step(code, "corrections", to("XX-POWER"), "staff:region-5") == "closed"
    events = await desks.events(code)
    assert events == ["case.opened.v1", "registered", *["case.moved.v1"] * 3, "out_of_scope"]
    assert (await desks.row(code))["next_due_at"] is None


async def test_a_33_finds_what_a_correction_closed_and_what_was_answered_with_it(desks: Desks) -> None:
    reports = [
        a_report(text, reply_to=an_address(desks.sealer, number))
        for text, number in ((POTHOLE, "+989121234567"), (IN_OTHER_WORDS, "+989127654321"))
    ]
    for report in reports:
        await desks.receive(report)
    code, child = (report.code for report in reports)
    assert (await desks.case(child))["parent"] == code
    assert await desks.step(code, "corrections", to("XX-POWER")) == "closed"
    for report in reports:
        await desks.hear(a_reply(Answer.OBJECTED, phone_lookup=report.reply_to.phone_lookup))
    assert [(await desks.case(report.code))["status"] for report in reports] == ["reopened"] * 2


async def test_what_was_closed_by_mistake_is_opened_by_its_right_topic(desks: Desks) -> None:
    code = await desks.opened(topic="XX-POWER")
    assert await desks.step(code, "corrections", to("GS-PARK")) == "referred"
    row = await desks.row(code)
    assert (row["unit"].startswith(("region-5", "nahiye-5")), row["next_due_at"] is not None) == (True, True)


async def test_thanks_that_were_none_are_a_request(desks: Desks) -> None:
    code = await desks.opened(topic="OV-THANKS", kind=None)
    assert (await desks.case(code))["status"] == "closed"
    assert await desks.step(code, "corrections", to("US-GUTTER")) == "referred"
    assert (await desks.case(code))["kind"] == Kind.REQUEST


async def test_who_may_correct_what(desks: Desks) -> None:
    code = await desks.opened()
    assert await desks.step(code, "corrections", to("US-GUTTER")) == "409"
    assert await desks.step(code, "corrections", to("NO-SUCH")) == "422"
    assert await desks.step(code, "corrections", {"topic": "US-CLEAN-ALLEY"}) == "422"
    assert await desks.step(code, "corrections", to("US-CLEAN-ALLEY"), "operator") == "403"
    assert await desks.step(code, "corrections", to("US-CLEAN-ALLEY"), "staff:region-6") == "404"
    assert await corrections(desks) == []
    assert await desks.step(code, "corrections", to("US-CLEAN-ALLEY"), "staff:region-5") == "referred"


async def test_the_same_key_corrects_once(desks: Desks) -> None:
    code = await desks.opened()
    ask = {"If_Match": '"1"', "Idempotency_Key": "k"}
    path = f"/v1/cases/{code}/corrections"
    first = await desks.asked.post(path, "supervisor", to("US-CLEAN-ALLEY"), **ask)
    again = await desks.asked.post(path, "supervisor", to("US-CLEAN-ALLEY"), **ask)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["revision"] == first.json()["revision"]
    assert len(await corrections(desks)) == 1


async def test_a_correction_is_no_way_around_arbitration(desks: Desks) -> None:
    code = await desks.opened()
    await desks.step(code, "bounces", {"reason": "x"}, "staff:region-5")
    assert await desks.step(code, "corrections", to("US-CLEAN-ALLEY"), "staff:hq-triage") == "referred"
    case = await desks.case(code)
    assert (case["unit"], case["topic"], case["arbitration"]) == ("hq-arbitration", "US-CLEAN-ALLEY", "open")


async def test_corrections_are_lines_that_the_training_takes(desks: Desks, tmp_path: Path) -> None:
    twice, other = await desks.opened(**UNCLEAR), await desks.opened(text="تماس: ۰۹۱۲ ۱۲۳ ۴۵۶۷ کوچه ۱۲ جارو نشده")
    await desks.step(twice, "corrections", to("US-CLEAN-ALLEY"))
    await desks.step(other, "corrections", to("US-CLEAN-ALLEY"))
    await desks.step(twice, "corrections", to("US-WASTE-BIN"))
    lines = list(await correction_lines(desks.database, CITY.topics))
    assert [(json.loads(line)["text"], json.loads(line)["topic"]) for line in lines] == [
        ("تماس: کوچه ۱۲ جارو نشده", "US-CLEAN-ALLEY"),
        ("سلام لطفا رسیدگی کنید", "US-WASTE-BIN"),
    ]
    file = tmp_path / "file.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert import_corrections(file, CITY.topics, tmp_path) == 2
    assert import_corrections(file, CITY.topics, tmp_path) == 0


async def test_a_correction_after_a_wait_ends_the_wait(desks: Desks) -> None:
    code = await desks.opened(**UNCLEAR)
    await desks.step(code, "waits", {"question": "چه شده؟"})
    await desks.step(code, "corrections", to("US-GUTTER"))
    row = await desks.row(code)
    assert (row["status"], row["waiting_since"], row["next_due_at"] is not None) == ("referred", None, True)
    assert await desks.look(row["next_due_at"] - SECOND) == 0


async def test_the_command_prints_the_lines(
    desks: Desks, keys: Keys, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await desks.opened(**UNCLEAR)
    await desks.step(code, "corrections", to("US-CLEAN-ALLEY"))
    for name, value in service_settings(desks.database.address, keys).items():
        monkeypatch.setenv(f"PASOKH_{name.upper()}", str(value))
    monkeypatch.setattr(sys, "argv", ["routing", "corrections"])
    await asyncio.to_thread(main)
    assert json.loads(capsys.readouterr().out) == {
        "text": "سلام لطفا رسیدگی کنید",
        "topic": "US-CLEAN-ALLEY",
        "kind": "request",
        "region": 5,
    }
