"""Worklists and search at a million cases: p50 and p99 of what a screen asks for, at the database, in ms."""

import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from common.db import Database, Transaction
from routing.city import City
from routing.counts import counted, counts_of
from routing.fulltext import Before, search
from routing.models import Case
from routing.words import Wanted, words_of
from routing.worklist import Filters, Scope, Sort, worklist
from sqlalchemy import select
from workbench.load import percentile
from workbench.postgres import Postgres

from tests.builders import a_database

Question = Callable[[Transaction], Awaitable[int]]  # rows that it found

WARM, ROUNDS = 3, 100
PAGE = 50
DAYS = 150  # over which the cases came
SENTENCES = 20_000
_RARE, _SNOW, _COMMON = "زرافه", "برف", "خیابان"
_ENDS = ("ان", "ها", "ی", "گاه", "ستان", "ور", "ین", "ار")
_TABLES = ("cases", "case_words")

_SENTENCES = "CREATE TEMPORARY TABLE sentences (n int PRIMARY KEY, said text, words tsvector) ON COMMIT DROP"
# The last 4 % came lately and are open, and one in 200 of the others; a sixth is late. Units, topics as they come:
# half of all in a tenth of them. The codes are a walk through all numbers of ten digits by a stride prime to 10.
_CASES = """
INSERT INTO cases (code, revision, status, topic, kind, text, channel, unit, level, region, urgent, phone,
                   phone_lookup, sms, occurred_at, received_at, deadline, answered_at, reasons)
SELECT lpad((n * 7364136223 % 10000000000)::text, 10, '0'), 1 + n % 4, status,
       ($2::text[])[1 + floor(power(random(), 3) * cardinality($2::text[]))],
       CASE WHEN n % 9 = 0 THEN 'complaint' ELSE 'request' END, said, CASE WHEN n % 3 = 0 THEN 'app' ELSE 'phone' END,
       unit, 'nahiye', 1 + n % 22, n % 20 = 0, repeat('x', 64),
       md5((n % 200000)::text) || md5((n % 200000)::text || 'b'), true,
       at, at, at + interval '36 hours' * (0.2 + random()), CASE WHEN closed THEN at + interval '1 day' END,
       '{"topic": "words of its title are in the text", "place": "region was given", "deadline": "24 hours"}'
FROM (
    SELECT g.n, now() - interval '1 day' * $3 * (1 - g.n / $1::float) AS at, s.said,
           ($4::text[])[1 + floor(power(random(), 2) * cardinality($4::text[]))] AS unit, closed,
           CASE WHEN closed THEN CASE WHEN g.n % 3 = 0 THEN 'accepted' ELSE 'answered' END
           ELSE (ARRAY['referred', 'in_progress', 'inspected', 'deferred'])[1 + g.n % 4] END AS status
    FROM generate_series(1, $1::bigint) AS g(n)
    CROSS JOIN LATERAL (SELECT g.n < $1 * 0.96 AND g.n % 200 <> 0 AS closed) c
    JOIN sentences s ON s.n = g.n * 7919 % $5
) made
"""
_WORDS = """
INSERT INTO case_words
SELECT code, received_at, a.words || b.words || array_to_tsvector(ARRAY['@' || unit, '@d' || day, '@w' || day / 7]
       || CASE WHEN received_at BETWEEN now() - interval '70 days' AND now() - interval '55 days' THEN ARRAY[$2] END
       || CASE WHEN c.n % 50021 = 0 THEN ARRAY[$3] END)
FROM (
    SELECT code, unit, received_at, row_number() OVER (ORDER BY received_at) AS n,
           (received_at AT TIME ZONE 'UTC')::date - '0001-01-01'::date + 1 AS day FROM cases
) c JOIN sentences a ON a.n = c.n * 7919 % $1 JOIN sentences b ON b.n = c.n * 104729 % $1
"""


async def worklist_and_search(database: Database, cases: int = 1_000_000) -> dict[str, Any]:
    """Fill a migrated, empty database of routing, and ask; ms, of pages of 50, rows read as the routes read them."""
    started = time.perf_counter()
    await _fill(database, cases)
    gc.collect()
    gc.freeze()  # as a service does after its start; else what filled the tables is looked through while we measure
    figures: dict[str, Any] = {"cases": cases, "filled_seconds": round(time.perf_counter() - started, 1)}
    for name, ask in _questions(City.load(), await _sample(database)).items():
        figures[name] = await _measured(database, ask)
    return figures


async def _fill(database: Database, cases: int) -> None:
    city, words = City.load(), _words()
    units = [unit.code for unit in city.units.values() if unit.level == "nahiye"]
    async with database.transaction() as tx:
        await tx.execute("SET LOCAL maintenance_work_mem = '512MB'")
        await tx.execute("SET LOCAL synchronous_commit = off")
        indexes = await _without_indexes(tx)
        await tx.execute(_SENTENCES)
        said = [" ".join(_sentence(words, n)) for n in range(SENTENCES)]
        folded = [" ".join(words_of(text)) for text in said]
        query = "INSERT INTO sentences SELECT n - 1, said, words::tsvector FROM unnest($1::text[], $2::text[])"
        await tx.execute(f"{query} WITH ORDINALITY AS s(said, words, n)", said, folded)
        await tx.execute("ANALYZE sentences")
        await tx.execute(_CASES, cases, list(city.topics), DAYS, units, SENTENCES)
        await tx.execute(_WORDS, SENTENCES, _SNOW, _RARE)
        known = {word for text in folded for word in text.split()} | {_SNOW, _RARE}
        await tx.execute("INSERT INTO known_words SELECT unnest($1::text[])", sorted(known))
        for index in indexes:
            await tx.execute(index)
    await _vacuum(database)


async def _without_indexes(tx: Transaction) -> list[str]:
    """Drop the indexes that are no key's; the statements that make them again."""
    query = """SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT LIKE '%_pkey'"""
    found = await tx.fetch(query, list(_TABLES))
    for row in found:
        await tx.execute(f"DROP INDEX {row['indexname']}")
    return [row["indexdef"] for row in found]


async def _vacuum(database: Database) -> None:
    """What autovacuum would do in time; it needs a connection outside of any transaction."""
    connection = await asyncpg.connect(database.address)
    for name in _TABLES:
        await connection.execute(f"VACUUM ANALYZE {name}")
    await connection.close()


def _words() -> list[str]:
    """12,000 words that look Persian, the same in each run."""
    letters, chance = "ابپتجچخدرزسشفقکگلمنوهی", random.Random(5)
    made = ("".join(chance.choices(letters, k=chance.randint(2, 5))) + chance.choice(_ENDS) for _ in range(20_000))
    return list(dict.fromkeys(word for text in made for word in words_of(text)))[:12_000]


def _sentence(words: Sequence[str], n: int) -> list[str]:
    """Ten words, the common ones more often; a third of all cases hold the most common."""
    chance = random.Random(n)
    said = [words[int(chance.random() ** 4 * len(words))] for _ in range(10)]
    return said + ([_COMMON] if chance.random() < 0.2 else [])


async def _sample(database: Database) -> str:
    async with database.transaction() as tx:
        return str(await tx.fetchval("SELECT phone_lookup FROM cases LIMIT 1"))


def _questions(city: City, phone: str) -> dict[str, Question]:
    two = _words()[40:42]
    region, nahiye = city.below["region-5"], frozenset({"nahiye-5-1"})
    return {
        "worklist": _lists(),
        "worklist_of_a_region": _lists(units=region),
        "worklist_open_by_deadline": _lists(Sort.DEADLINE, open=True),
        "worklist_overdue_without_any": _lists(overdue=True, topic="none"),
        "worklist_rare_filter_open": _lists(topic="XX-POWER", kind="complaint", channel="app", open=True),
        "worklist_rare_filter": _lists(topic="XX-POWER", kind="complaint", channel="app"),
        "worklist_newest_of_a_nahiye": _lists(Sort.RECEIVED_AT, units=nahiye),
        "counts": _counts(),
        "counts_of_a_region": _counts(units=region),
        "counts_of_all_closed": _counts(open=False),
        "caller": _lists(Sort.RECEIVED_AT, phone=phone),
        "search_rare": _searches(Wanted([], _RARE)),
        "search_common": _searches(Wanted([], _COMMON)),
        "search_common_of_a_nahiye": _searches(Wanted([], _COMMON), nahiye),
        "search_two_words": _searches(Wanted(two[:1], two[1])),
        "search_common_and_rare": _searches(Wanted([_COMMON], _RARE)),
        "search_last_season": _searches(Wanted([], _SNOW)),
        "search_prefix": _searches(Wanted([_COMMON], "خی")),
        "search_no_such_word": _searches(Wanted([_COMMON], "نیستدرجهان")),
    }


def _scope(units: frozenset[str] | None, phone: str | None, asked: dict[str, Any]) -> Scope:
    return Scope(Filters(**asked), units, phone, datetime.now(UTC))


def _lists(
    sort: Sort = Sort.WORK, *, units: frozenset[str] | None = None, phone: str | None = None, **asked: Any
) -> Question:
    async def ask(tx: Transaction) -> int:
        query = worklist(_scope(units, phone, asked), sort, None, PAGE)
        return len((await tx.session.scalars(query)).all())

    return ask


def _counts(*, units: frozenset[str] | None = None, **asked: Any) -> Question:
    async def ask(tx: Transaction) -> int:
        scope = _scope(units, None, {"open": True} | asked)
        return counts_of((await tx.session.execute(counted(scope))).all()).total

    return ask


def _searches(wanted: Wanted, units: frozenset[str] | None = None) -> Question:
    async def ask(tx: Transaction) -> int:
        codes = await search(wanted, units, Before(), PAGE + 1, tx)
        return len((await tx.session.scalars(select(Case).where(Case.code.in_(codes)))).all())

    return ask


async def _measured(database: Database, ask: Question) -> dict[str, float]:
    """After three rounds that plan and warm up, as a connection of a running service has done."""
    times = []
    for _ in range(WARM + ROUNDS):
        async with database.transaction() as tx:
            started = time.perf_counter()
            rows = await ask(tx)
            times.append((time.perf_counter() - started) * 1000)
    shares = {f"p{round(share * 100)}_ms": round(percentile(times[WARM:], share), 1) for share in (0.5, 0.99)}
    return {"found": rows} | shares


async def measure(cases: int = 1_000_000) -> dict[str, Any]:
    """The figures on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="pasokh-bench-") as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        try:
            database = await a_database(postgres, "routing", "worklists")
            figures = await worklist_and_search(database, cases)
            await database.close()
        finally:
            postgres.stop()
    return figures


if __name__ == "__main__":
    print(orjson.dumps(asyncio.run(measure()), option=orjson.OPT_INDENT_2).decode())
