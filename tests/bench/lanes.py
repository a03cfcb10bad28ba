"""Urgent messages while bulk waits: accept → referral of each, with 20,000 bulk messages before them in the queue.

`python -m tests.bench.lanes [BULK]` starts a system of its own and prints the figures.
"""

import asyncio
import os
import sys
import tempfile
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from workbench.home import Home
from workbench.load import Target, numbered, percentile, post_all
from workbench.system import Workbench

from tests.bench.measure import BODY, CONNECTIONS

BULK = 20_000
URGENT = 100
PER_SECOND = 10.0
ALARM: dict[str, object] = {"text": "بوی شدید گاز کل کوچه رو برداشته، تو رو خدا زود بیاید", "place": {"region": 5}}
Moments = dict[str, datetime]


async def urgent_behind_bulk(bench: Workbench, bulk: int = BULK) -> dict[str, Any]:
    """Routing is down while bulk comes in; it comes up, and urgent messages follow: ms from accept to referral."""
    target = Target(f"{bench.url('intake')}/v1/app/messages", bench.keys.token("app", citizen="bench"))
    await asyncio.to_thread(bench.take_down, "routing")
    before = await post_all(target, numbered(BODY, bulk, uuid.uuid4().hex), connections=CONNECTIONS)
    await asyncio.to_thread(bench.bring_up, "routing")
    alarms = numbered(ALARM, URGENT, uuid.uuid4().hex)
    urgent = [a.code for a in await post_all(target, alarms, connections=8, rate=PER_SECOND) if a.code]
    queued = [a.code for a in before if a.code]
    referred = await until_referred(bench, [*queued, *urgent])
    received = await moments(bench, "intake", "SELECT code, received_at FROM messages WHERE code = ANY($1)", urgent)
    last = max(referred[code] for code in queued)
    waits = {code: (referred[code] - received[code]).total_seconds() * 1000 for code in urgent}
    behind = [waits[code] for code in urgent if received[code] < last]
    first = min(referred[code] for code in (*queued, *urgent))
    return {
        "bulk": bulk,
        "urgent": len(urgent),
        "urgent_while_bulk_waited": len(behind),
        "urgent_p50_ms": round(percentile(behind, 0.5)),
        "urgent_p99_ms": round(percentile(behind, 0.99)),
        "urgent_max_ms": round(max(behind, default=0.0)),
        "bulk_done_after_s": round((last - first).total_seconds(), 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


async def until_referred(bench: Workbench, codes: list[str], seconds: float = 600) -> Moments:
    """When each code was referred, once all are."""
    query = "SELECT code, at FROM history WHERE revision = 1 AND code = ANY($1)"
    count = "SELECT count(*) FROM history WHERE revision = 1 AND code = ANY($1)"
    connection = await asyncpg.connect(bench.postgres.dsn("routing"))
    try:
        async with asyncio.timeout(seconds):
            while int(await connection.fetchval(count, codes)) < len(codes):
                await asyncio.sleep(1)
        return {row[0]: row[1] for row in await connection.fetch(query, codes)}
    finally:
        await connection.close()


async def moments(bench: Workbench, service: str, query: str, codes: list[str]) -> Moments:
    """By code, the moments that a query finds."""
    connection = await asyncpg.connect(bench.postgres.dsn(service))
    try:
        return {row[0]: row[1] for row in await connection.fetch(query, codes)}
    finally:
        await connection.close()


async def main() -> None:
    """On a system of its own."""
    with tempfile.TemporaryDirectory(prefix="pasokh-lanes-") as folder:
        with Workbench(Home(Path(folder))) as bench:
            figures = await urgent_behind_bulk(bench, int(sys.argv[1]) if len(sys.argv) > 1 else BULK)
    print(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    asyncio.run(main())
