"""The whole path on databases of millions of cases against that on empty ones, in one run.

`python -m tests.bench.grown [CASES]` starts a system of its own, takes 6,000 messages through it, measures, multiplies
what every service has stored until there are so many cases, and measures twice: at once, when PostgreSQL still writes
a whole image of each page of an index that a checkpoint has passed, and when it has done so. Not part of `make bench`:
it writes some 3 KB a case, and three minutes a million.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from workbench.home import Home
from workbench.load import Target, post_all
from workbench.reconcile import FIRST_TOLD
from workbench.system import Workbench

from tests.bench.lanes import calm
from tests.bench.measure import CONNECTIONS, SLICE_SECONDS, count, cpu_seconds, rate, until_reported

CASES = 5_000_000
SAMPLE = 6000  # messages as citizens write them, that are multiplied
MESSAGES = 20_000  # of each turn
DAYS = 400  # over which the cases came
HOUR = 3600.0  # seconds that one statement may take

_CODE = "lpad(((code::bigint + g * 7364136223) % 10000000000)::text, 10, '0')"
_AGO = f"- interval '1 day' * {DAYS} * g / $1"
_CLOSED = {"status": "'accepted'", "answered_at": f"received_at {_AGO} + interval '1 day'", "next_due_at": "NULL"}
_LOOKUPS = {name: f"md5({name} || g) || md5(g || {name})" for name in ("phone_lookup", "account_lookup")}
# Of what grows for ever, by service and table: what is not copied as it is. Narrow tables of open work, inboxes and
# outboxes do not grow with the years.
_GROWING: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "intake": {"messages": {"citizen": "citizen || g"}},
    "routing": {"cases": _CLOSED, "history": {}, "case_words": {}},
    "notify": {"deliveries": {}, "attempts": {}, "receipts": {}},
    "reporting": {"case_facts": {}, "notification_facts": {}},
}
_REPORTED = f"""
SELECT count(*) FROM case_facts JOIN notification_facts USING (code)
WHERE told IN {FIRST_TOLD} AND sent_at IS NOT NULL AND occurred_at >=
"""
_COLUMNS = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1 ORDER BY 1"
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = $1
AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


async def grown_against_empty(bench: Workbench, folder: Path, cases: int = CASES) -> dict[str, Any]:
    """Messages a second and CPU of a message, before and after the databases have grown."""
    target = Target(f"{bench.url('intake')}/v1/app/messages", bench.keys.token("app", citizen="bench"))
    await post_all(target, calm(SAMPLE, plain=False), connections=CONNECTIONS)
    await until_reported(bench, SAMPLE)
    empty = await _turn(bench, target, folder)
    started = time.perf_counter()
    for service, tables in _GROWING.items():
        await _grow(bench.postgres.dsn(service), tables, cases // SAMPLE)
    filled = round(time.perf_counter() - started)
    at_once = await _turn(bench, target, folder)
    grown = await _turn(bench, target, folder)
    return {
        "cases": await count(bench, "routing", "SELECT count(*) FROM cases"),
        "filled_seconds": filled,
        "empty": empty,
        "at_once": at_once,
        "grown": grown,
        "ratio": round(grown["whole_path_per_second"] / empty["whole_path_per_second"], 3),
        "cpu_ratio": round(empty["cpu_us_per_message"]["sum"] / grown["cpu_us_per_message"]["sum"], 3),
    }


async def _turn(bench: Workbench, target: Target, folder: Path) -> dict[str, Any]:
    """What came since the turn began is counted by index: to count millions would be most of what is measured."""
    began = datetime.now(UTC)
    since = f"'{began.isoformat()}'"
    used = cpu_seconds(bench)
    stored = 0
    while stored < MESSAGES:
        await rate(target, SLICE_SECONDS, folder)
        stored = await count(bench, "intake", f"SELECT count(*) FROM messages WHERE received_at >= {since}")
    async with asyncio.timeout(600):
        while await count(bench, "reporting", f"{_REPORTED} {since}") < stored:
            await asyncio.sleep(0.5)
    took = (datetime.now(UTC) - began).total_seconds()
    now = cpu_seconds(bench)
    spent = {name: round((now[name] - used[name]) / stored * 1e6) for name in sorted(now)}
    return {
        "whole_path_per_second": round(stored / took),
        "cpu_us_per_message": spent | {"sum": sum(spent.values())},
    }


async def _grow(address: str, tables: Mapping[str, Mapping[str, str]], times: int) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("SET maintenance_work_mem = '1GB'")
        await connection.execute("SET synchronous_commit = off")
        for table, changed in tables.items():
            await _multiply(connection, table, changed, times)
    finally:
        await connection.close()


async def _multiply(connection: Any, table: str, changed: Mapping[str, str], times: int) -> None:
    """Copies of the rows that are there, each with keys of its own, over the days before; then as autovacuum leaves
    it. Indexes are made anew, which is faster than to fill them."""
    indexes = await connection.fetch(_INDEXES, table)
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    columns = [(row[0], changed.get(row[0]) or _copied(*row)) for row in await connection.fetch(_COLUMNS, table)]
    names, values = ", ".join(name for name, _ in columns), ", ".join(value for _, value in columns)
    query = (
        f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM "
        f"(SELECT * FROM {table} LIMIT {SAMPLE}) AS sample CROSS JOIN generate_series(1, $1::bigint) AS g "
        "ON CONFLICT DO NOTHING"  # two codes in a thousand meet
    )
    await connection.execute(query, times, timeout=HOUR)
    for index in indexes:
        await connection.execute(index["indexdef"], timeout=HOUR)
    await connection.execute(f"VACUUM ANALYZE {table}", timeout=HOUR)


def _copied(name: str, kind: str) -> str:
    """The value of a copy: keys become others, times earlier, the rest stays."""
    if name == "code":
        return _CODE
    if name == "localid":
        return "localid - g * 1000000"
    if name in _LOOKUPS:
        return _LOOKUPS[name]
    if kind == "uuid":
        return f"md5({name}::text || g)::uuid"
    return f"{name} {_AGO}" if kind.startswith("timestamp") else name


async def main() -> None:
    """On a system of its own."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    with tempfile.TemporaryDirectory(prefix="pasokh-grown-") as name, Workbench(Home(Path(name, "home"))) as bench:
        figures = await grown_against_empty(bench, Path(name), cases)
    print(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    asyncio.run(main())
