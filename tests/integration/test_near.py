from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from common.db import Database
from routing.duplicates import MOST_IN_SQUARE, Candidate, OpenCase, load_reaches
from routing.matters import Matter
from routing.near import MOST_NEAR, attach, find_near, forget, open_children, remember_open
from workbench.postgres import Postgres

from tests.builders import NOW, a_database
from tests.unit.test_duplicates import POTHOLE, REACHES, a_candidate, an_open_case, north


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    """Routing's tables, empty."""
    made = await a_database(postgres, "routing", database_name)
    yield made
    await made.close()


async def remember(database: Database, *cases: OpenCase) -> None:
    async with database.transaction() as tx:
        await remember_open(tx, cases, REACHES)


async def found(database: Database, *messages: Candidate) -> list[list[str]]:
    """The codes found for each message."""
    async with database.transaction() as tx:
        near = await find_near(tx, messages, REACHES)
    return [[case.code for case in near.get(n, ())] for n in range(len(messages))]


async def test_an_open_case_comes_back_as_it_was_remembered(database: Database) -> None:
    case = an_open_case(phone_lookup="someone", parent=None)
    await remember(database, case)
    async with database.transaction() as tx:
        assert await find_near(tx, [a_candidate()], REACHES) == {0: [case]}


@pytest.mark.parametrize(("metres", "codes"), [(25, ["open"]), (40, [])])
async def test_the_radius_is_the_topics(database: Database, metres: float, codes: list[str]) -> None:
    await remember(database, an_open_case(metres=metres))
    assert await found(database, a_candidate()) == [codes]


async def test_the_nearest_come_first_and_each_message_has_its_own(database: Database) -> None:
    cases = [an_open_case(code=str(metres), metres=metres) for metres in (28, 3, 12, -9, 40, 95)]
    await remember(database, *cases)
    messages = [a_candidate(), a_candidate(topic=None), a_candidate(lat=north(93))]
    assert await found(database, *messages) == [["3", "-9", "12", "28"], [], ["95"]]


async def test_another_topic_an_old_case_and_a_child_are_not_near(database: Database) -> None:
    flood: dict[str, Any] = {"topic": "US-FLOOD-STREET"}
    old, child = an_open_case(code="old", hours=13, **flood), an_open_case(code="child", parent="p", **flood)
    await remember(database, an_open_case(), old, child, an_open_case(code="new", hours=11, **flood))
    assert await found(database, a_candidate(**flood)) == [["new"]]


@pytest.mark.parametrize("mine", [{"phone_lookup": "me"}, {"account_lookup": "me"}])
async def test_a_citizens_own_cases_are_found_anywhere_children_too(database: Database, mine: dict[str, Any]) -> None:
    far = an_open_case(code="far", metres=5000, **mine)
    child = an_open_case(code="child", metres=900, hours=2, parent="p", **mine)
    nowhere = an_open_case(code="nowhere", hours=3, lat=None, lon=None, **mine)
    await remember(database, far, child, nowhere, an_open_case(code="theirs", metres=900, phone_lookup="they"))
    assert await found(database, a_candidate(lat=None, lon=None, **mine)) == [["far", "child", "nowhere"]]


async def test_a_topic_without_a_radius_is_searched_by_citizen_alone(database: Database) -> None:
    await remember(database, an_open_case(topic="OV-CONDUCT", phone_lookup="me"))
    mine, theirs = (a_candidate(topic="OV-CONDUCT", phone_lookup=who) for who in ("me", "they"))
    assert await found(database, mine, theirs) == [["open"], []]


async def test_a_crowd_in_one_square_brings_few_rows_the_latest(database: Database) -> None:
    crowd = [an_open_case(code=f"{n:04}", metres=1, hours=n / 100) for n in range(1, 2001)]
    await remember(database, *crowd)
    codes = (await found(database, a_candidate()))[0]
    assert codes == [f"{n:04}" for n in range(MOST_NEAR, 0, -1)]
    assert MOST_NEAR <= MOST_IN_SQUARE * 9


async def test_the_search_reads_few_rows_by_the_index_whatever_the_crowd(database: Database) -> None:
    crowd = [an_open_case(code=str(n), metres=n % 30 - 15, hours=1 + n / 9000) for n in range(9000)]
    await remember(database, *crowd)
    async with database.transaction() as tx:
        before = await _read(tx)
        await find_near(tx, [a_candidate(phone_lookup="me", account_lookup="me too")] * 10, load_reaches())
        rows, scans = (now - then for now, then in zip(await _read(tx), before, strict=True))
    assert scans == 0
    assert 0 < rows <= 10 * 9 * MOST_IN_SQUARE


async def _read(tx: Any) -> Sequence[int]:
    """Rows fetched by the index, and whole scans of the table, in this transaction."""
    row = await tx.fetchrow(
        "SELECT pg_stat_get_xact_tuples_fetched('open_places_near'::regclass),"
        " pg_stat_get_xact_numscans('open_places'::regclass)"
    )
    return [int(value) for value in row]


async def test_what_is_remembered_twice_stays_as_it_was(database: Database) -> None:
    case = an_open_case()
    await remember(database, case)
    await remember(database, replace(case, matter=Matter.of("سگ"), parent="p"))
    async with database.transaction() as tx:
        assert await find_near(tx, [a_candidate()], REACHES) == {0: [case]}


async def test_a_closed_parent_is_forgotten_and_its_open_children_stand_alone(database: Database) -> None:
    await remember(database, an_open_case(code="p"), an_open_case(code="c", parent="p"))
    assert await found(database, a_candidate()) == [["p"]]
    async with database.transaction() as tx:
        assert await open_children(tx, "p") == ["c"]
        await forget(tx, ["p"])
    assert await found(database, a_candidate()) == [["c"]]


async def test_staff_attach_a_case_with_its_children_and_detach_it(database: Database) -> None:
    cases = an_open_case(code="p", hours=3), an_open_case(code="q", hours=2), an_open_case(code="c", parent="q")
    await remember(database, *cases)
    async with database.transaction() as tx:
        await attach(tx, "q", "p")
        assert await open_children(tx, "p") == ["q", "c"]
        await attach(tx, "c", None)
        assert await open_children(tx, "p") == ["q"]
    assert sorted((await found(database, a_candidate()))[0]) == ["c", "p"]


async def test_nothing_asked_is_nothing_found(database: Database) -> None:
    late = a_candidate(POTHOLE, received_at=NOW + timedelta(days=60))
    await remember(database, an_open_case())
    assert await found(database) == []
    assert await found(database, late, a_candidate(lat=None, lon=None)) == [[], []]
