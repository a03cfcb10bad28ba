"""Urgent messages while bulk waits: accept → referral of each, with 20,000 bulk messages before them in the queue.

`python -m tests.bench.lanes [BULK]` starts a system of its own and prints the figures, once for plain bulk and once for
a mix as citizens write it, a fifth of which alarms intake for nothing.
"""

import asyncio
import itertools
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from common.signs import may_be_urgent
from workbench.home import Home
from workbench.load import Post, Target, numbered, percentile, post_all
from workbench.system import Workbench

from tests.bench.measure import CONNECTIONS, count

BULK = 20_000
URGENT = 100
PER_SECOND = 10.0
CATCHING_UP = 30  # the first three seconds of them, in which routing catches up with what alarmed while it was down
ALARM: dict[str, object] = {"text": "بوی شدید گاز کل کوچه رو برداشته، تو رو خدا زود بیاید", "place": {"region": 5}}
IN_THE_LANE = "SELECT count(*) FROM outbox WHERE stream = 'messages.urgent.v1'"
SENT_BACK = "SELECT count(*) FROM outbox WHERE stream = 'messages.v1'"
Moments = dict[str, datetime]


async def urgent_behind_bulk(bench: Workbench, bulk: int = BULK, *, plain: bool = False) -> dict[str, Any]:
    """Routing is down while bulk comes in; it comes up, and urgent messages follow: ms from accept to referral."""
    target = Target(f"{bench.url('intake')}/v1/app/messages", bench.keys.token("app", citizen="bench"))
    await asyncio.to_thread(bench.take_down, "routing")
    before = await post_all(target, calm(bulk, plain=plain), connections=CONNECTIONS)
    await asyncio.to_thread(bench.bring_up, "routing")
    alarms = numbered(ALARM, URGENT, uuid.uuid4().hex)
    urgent = [a.code for a in await post_all(target, alarms, connections=8, rate=PER_SECOND) if a.code]
    queued = [a.code for a in before if a.code]
    referred = await until_referred(bench, [*queued, *urgent])
    received = await moments(bench, "intake", "SELECT code, received_at FROM messages WHERE code = ANY($1)", urgent)
    last = max(referred[code] for code in queued)
    waits = {code: (referred[code] - received[code]).total_seconds() * 1000 for code in urgent}
    behind = [waits[code] for code in urgent if received[code] < last]
    settled = [waits[code] for code in urgent[CATCHING_UP:] if received[code] < last]
    first = min(referred[code] for code in (*queued, *urgent))
    return {
        "bulk": bulk,
        "bulk_in_the_urgent_lane": await count(bench, "intake", IN_THE_LANE) - URGENT,
        "bulk_sent_back": await count(bench, "routing", SENT_BACK),
        "urgent": len(urgent),
        "urgent_while_bulk_waited": len(behind),
        "urgent_p50_ms": round(percentile(behind, 0.5)),
        "urgent_p99_ms": round(percentile(behind, 0.99)),
        "urgent_p99_after_3_s_ms": round(percentile(settled, 0.99)),
        "bulk_done_after_s": round((last - first).total_seconds(), 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


def calm(count: int, *, plain: bool) -> Iterator[Post]:
    """What citizens write of matters that are not urgent, from many telephones, over and over; `plain` ones are all
    without a word that alarms."""
    lines = map(orjson.loads, (files("workbench") / "data" / "messages.fa.jsonl").read_text("utf-8").splitlines())
    texts = [line["text"] for line in lines if not line["urgent"] and not (plain and may_be_urgent(line["text"], None))]
    mark = uuid.uuid4().hex
    for n, text in zip(range(count), itertools.cycle(texts), strict=False):
        body = {"text": text, "place": {"region": n % 22 + 1}, "phone": f"0912{n:07d}"}
        yield Post(f"{mark}-{n}", orjson.dumps(body))


async def until_referred(bench: Workbench, codes: list[str], seconds: float = 600) -> Moments:
    """When each code was referred, once all are."""
    query = "SELECT code, at FROM history WHERE revision = 1 AND code = ANY($1)"
    how_many = "SELECT count(*) FROM history WHERE revision = 1 AND code = ANY($1)"
    connection = await asyncpg.connect(bench.postgres.dsn("routing"))
    try:
        async with asyncio.timeout(seconds):
            while int(await connection.fetchval(how_many, codes)) < len(codes):
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
    """Each on a system of its own."""
    bulk = int(sys.argv[1]) if len(sys.argv) > 1 else BULK
    for plain in (True, False):
        with tempfile.TemporaryDirectory(prefix="pasokh-lanes-") as folder, Workbench(Home(Path(folder))) as bench:
            figures = await urgent_behind_bulk(bench, bulk, plain=plain)
        print("plain bulk" if plain else "mixed bulk", orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    asyncio.run(main())
