import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.db import Database
from common.events import Channel, Kind, Step
from common.health import Pulse
from routing.calendars import load_calendars, load_hours_file
from routing.city import City
from routing.models import Case, History
from routing.oncall import Roster
from routing.rule_text import RuleProblems, default_rules, read
from routing.rulebook import (
    ALWAYS,
    PROJECT,
    Added,
    Draft,
    Referrals,
    Rulebook,
    Superseded,
    add_version,
    current,
    ensure_first,
    referrals_by_rule,
    text_of,
    versions,
)
from routing.rules import Facts, Known, Rule, RuleSet
from workbench.postgres import Postgres

from tests.builders import NOW, a_database
from tests.integration.http import beside

HOUR = timedelta(hours=1)
TO_TRIAGE = "rules: [{name: all, then: {unit: hq-triage}}]  # for an hour"
TO_REGION = 'rules: [{name: all, then: {unit: "region-{region}"}}]'
FACTS = Facts("US-GUTTER", "urban-services", 5, 2, Kind.REQUEST, Channel.APP, False, NOW)


@pytest.fixture(scope="module")
def known() -> Known:
    city, calendars = City.load(), load_calendars()
    units = Roster.of(city.units, load_hours_file(), calendars).units
    return Known(city.topics, frozenset(units), calendars["office"].holidays)


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "routing", database_name)
    yield made
    await made.close()


def a_draft(yaml: str = TO_TRIAGE, **given: Any) -> Draft:
    usual: dict[str, Any] = {"author": "supervisor-1", "valid_from": NOW}
    return Draft(yaml, **usual | given)


async def added(database: Database, known: Known, draft: Draft, now: datetime = NOW) -> int:
    async with database.transaction() as tx:
        return (await add_version(tx, draft, read(draft.yaml, known), now)).version


async def rules_at(database: Database, known: Known, at: datetime) -> RuleSet:
    async with database.transaction() as tx:
        return await current(tx, at, known)


async def started(database: Database, known: Known) -> None:
    async with database.transaction() as tx:
        await ensure_first(tx, known, NOW)


async def test_the_projects_own_rules_become_version_1_once(database: Database, known: Known) -> None:
    await asyncio.gather(*(started(database, known) for _ in range(5)))
    async with database.transaction() as tx:
        [only] = await versions(tx)
        assert await text_of(tx, only.version) == default_rules()
        assert await text_of(tx, only.version + 1) is None
    assert (only.version, only.author, only.valid_from, only.valid_until) == (1, PROJECT, ALWAYS, None)
    assert await rules_at(database, known, NOW - 1000 * HOUR) == read(default_rules(), known)


async def test_a_version_is_in_force_from_its_day_until_another_begins(database: Database, known: Known) -> None:
    await started(database, known)
    await added(database, known, a_draft(TO_TRIAGE, valid_from=NOW + 2 * HOUR, valid_until=NOW + 4 * HOUR))
    await added(database, known, a_draft(TO_REGION, valid_from=NOW + HOUR, note="for the storm"))
    moments = (NOW, NOW + HOUR, NOW + 2 * HOUR, NOW + 4 * HOUR)
    units = [(await rules_at(database, known, at)).first_match(FACTS).unit for at in moments]
    assert units == ["nahiye-5-2", "region-5", "hq-triage", "region-5"]
    async with database.transaction() as tx:
        assert [(one.version, one.author, one.note) for one in await versions(tx)] == [
            (3, "supervisor-1", "for the storm"),
            (2, "supervisor-1", None),
            (1, PROJECT, None),
        ]


async def test_what_was_stored_is_told(database: Database, known: Known) -> None:
    async with database.transaction() as tx:
        stored = await add_version(tx, a_draft(valid_from=NOW - HOUR), read(TO_TRIAGE, known), NOW)
    assert stored == Added(1, NOW, read(TO_TRIAGE, known))


async def test_a_version_never_begins_before_it_was_added(database: Database, known: Known) -> None:
    await started(database, known)
    await added(database, known, a_draft(valid_from=NOW - 5 * HOUR))
    before = await rules_at(database, known, NOW - timedelta(seconds=1))
    assert before.first_match(FACTS).unit == "nahiye-5-2"
    assert (await rules_at(database, known, NOW)).first_match(FACTS).unit == "hq-triage"


async def test_the_text_is_kept_as_it_was_written(database: Database, known: Known) -> None:
    version = await added(database, known, a_draft(TO_TRIAGE))
    async with database.transaction() as tx:
        assert await text_of(tx, version) == TO_TRIAGE


async def test_what_is_no_rule_set_is_not_stored(database: Database, known: Known) -> None:
    with pytest.raises(RuleProblems, match="unknown unit nobody"):
        await added(database, known, a_draft("rules: [{name: all, then: {unit: nobody}}]"))
    with pytest.raises(ValueError, match="lapse before it begins"):
        await added(database, known, a_draft(valid_until=NOW))
    async with database.transaction() as tx:
        assert await versions(tx) == []
        with pytest.raises(LookupError):
            await current(tx, NOW, known)


async def test_of_two_who_changed_the_same_version_one_is_told(database: Database, known: Known) -> None:
    await started(database, known)
    drafts = [added(database, known, a_draft(yaml, based_on=1)) for yaml in (TO_TRIAGE, TO_REGION)]
    outcomes = await asyncio.gather(*drafts, return_exceptions=True)
    assert sorted(map(type, outcomes), key=str) == [int, Superseded]
    assert await added(database, known, a_draft(based_on=2)) == 3


async def test_a_rulebook_follows_the_version_in_force(database: Database, known: Known) -> None:
    book = Rulebook(known)
    assert await book.ready() == "the rules have not been read yet"
    with pytest.raises(ConnectionError):
        _ = book.rules
    await book.refresh(database, NOW)
    assert (book.version, await book.ready()) == (1, None)
    first = book.rules
    await book.refresh(database, NOW)
    assert book.rules is first
    await added(database, known, a_draft(valid_from=NOW + HOUR, valid_until=NOW + 2 * HOUR))
    await book.refresh(database, NOW)
    assert book.rules is first
    await book.refresh(database, NOW + HOUR)
    assert (book.version, book.rules.rules) == (2, (Rule("all", "hq-triage"),))
    await book.refresh(database, NOW + 2 * HOUR)
    assert (book.version, book.rules) == (1, first)


async def test_a_version_that_does_not_fit_the_city_is_told_and_replaces_nothing(
    database: Database, known: Known, caplog: pytest.LogCaptureFixture
) -> None:
    smaller = Known(known.topics, known.units - {"region-5-oncall", "hq-inspection"}, known.holidays)
    book = Rulebook(smaller)
    await book.refresh(database, NOW)
    await added(database, known, a_draft("rules: [{name: all, then: {unit: hq-inspection}}]"))
    with caplog.at_level(logging.ERROR):
        await book.refresh(database, NOW)
        await book.refresh(database, NOW)
    assert len(caplog.records) == 1
    assert "unknown unit hq-inspection" in caplog.text
    assert await book.ready() is None
    assert book.rules == read(default_rules(), smaller)
    restarted = Rulebook(smaller)
    await restarted.refresh(database, NOW)
    found = restarted.rules.first_match(FACTS)
    assert (found.unit, "no such unit as hq-inspection any more" in found.why) == ("hq-triage", True)
    await added(database, known, a_draft(TO_TRIAGE), NOW + HOUR)
    await book.refresh(database, NOW + HOUR)
    assert (book.version, await book.ready()) == (3, None)


async def test_the_loop_takes_up_a_new_version(
    database: Database, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.rulebook.LOOK_EVERY", 0.01)
    book, pulse = Rulebook(known), Pulse("rules", last=0.0)
    async with beside(book.keep_fresh(database, pulse)), asyncio.timeout(30):
        while book.version is None:
            await asyncio.sleep(0.01)
        version = await added(database, known, a_draft(), datetime.now(UTC) - HOUR)
        while book.version != version:
            await asyncio.sleep(0.01)
    assert pulse.last > 0


def a_step(code: str, revision: int, step: Step, at: datetime = NOW) -> History:
    return History(code=code, revision=revision, step=step, status="referred", unit="region-5", at=at)


def a_row(code: str, rule: str | None, at: datetime = NOW) -> Case:
    own = {"code": code, "unit": "region-5", "level": "region", "status": "referred", "rule": rule, "revision": 1}
    moments = dict.fromkeys(("occurred_at", "received_at", "deadline"), at)
    return Case(**own, **moments, kind="request", text="…", channel="app", urgent=False, sms=False, reasons={})


async def test_bounces_are_counted_for_the_rule_that_referred_the_case(database: Database) -> None:
    rules = {"1": "gutter", "2": "gutter", "3": "trees", "4": None, "6": "fine", "7": "gutter", "8": "trees"}
    async with database.transaction() as tx:
        tx.add(*(a_row(code, rule) for code, rule in rules.items()), a_row("5", "old", NOW - 2 * HOUR))
        tx.add(*(a_step(code, 1, Step.REFER) for code in rules))
        tx.add(*(a_step(code, 2, Step.BOUNCE) for code in "12345"))
        tx.add(a_step("3", 3, Step.REFER), a_step("3", 4, Step.BOUNCE))
        tx.add(a_step("8", 2, Step.REFER), a_step("8", 3, Step.BOUNCE))  # a person's own referral
    async with database.transaction() as tx:
        assert await referrals_by_rule(tx, NOW - HOUR) == [
            Referrals("gutter", 3, 2),
            Referrals("trees", 2, 1),
            Referrals("fine", 1, 0),
        ]
