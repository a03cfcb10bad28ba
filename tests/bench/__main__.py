"""`make bench`: ratios within one run, against the bare FastAPI app; printed and written to bench.json."""

import asyncio
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import orjson
from workbench.home import Home
from workbench.load import Target, numbered, percentile, post_all
from workbench.ports import free_port, listens
from workbench.system import Workbench

from tests.bench import calls, duplicates, open311, webhooks, worklists
from tests.bench.decisions import decision_costs
from tests.bench.measure import (
    BODY,
    count,
    cpu_seconds,
    handover_ms,
    pour,
    rate,
    until_reported,
)

MESSAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
SECONDS = 6
ROUNDS = 3


async def accept_ratio(bench: Workbench, folder: Path) -> dict[str, Any]:
    """Durable accept against bare FastAPI, in turns; the median of three."""
    port = free_port()
    bare = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port)])
    try:
        while not listens(port):
            await asyncio.sleep(0.05)
        token = bench.keys.token("app", citizen="bench")
        own = Target(f"{bench.url('intake')}/v1/app/messages", token)
        yardstick = Target(f"http://127.0.0.1:{port}/v1/app/messages", token)
        turns = [(await rate(yardstick, SECONDS, folder), await rate(own, SECONDS, folder)) for _ in range(ROUNDS)]
    finally:
        bare.terminate()
        bare.wait()
    turns.sort(key=lambda turn: turn[1].per_second / turn[0].per_second)
    plain, durable = turns[len(turns) // 2]
    return {
        "client": durable.client,
        "bare_per_second": round(plain.per_second),
        "durable_per_second": round(durable.per_second),
        "ratio": round(durable.per_second / plain.per_second, 3),
        "bare_p99_ms": round(plain.p99_ms, 1),
        "durable_p99_ms": round(durable.p99_ms, 1),
    }


async def whole_path(bench: Workbench, folder: Path) -> dict[str, Any]:
    """Everything on the same cores, until the last SMS is handed over and reported."""
    target = Target(f"{bench.url('intake')}/v1/app/messages", bench.keys.token("app", citizen="bench"))
    before = await count(bench, "intake", "SELECT count(*) FROM messages")
    await until_reported(bench, before)
    used = cpu_seconds(bench)
    started = time.perf_counter()
    stored, accepted = await pour(bench, target, MESSAGES, folder)
    await until_reported(bench, before + stored)
    took = time.perf_counter() - started
    now = cpu_seconds(bench)
    spent = {name: round((now[name] - used[name]) / stored * 1e6) for name in sorted(now)}
    return {
        "messages": stored,
        "accepted_per_second": round(stored / accepted),
        "whole_path_per_second": round(stored / took),
        "cpu_us_per_message": spent | {"sum": sum(spent.values())},
    }


async def latency(bench: Workbench) -> dict[str, Any]:
    """Accept → SMS handed over at 100 a second."""
    target = Target(f"{bench.url('intake')}/v1/app/messages", bench.keys.token("app", citizen="bench"))
    await post_all(target, numbered(BODY, 500, uuid.uuid4().hex), connections=16, rate=100)  # until all are warm
    before = await count(bench, "intake", "SELECT count(*) FROM messages")
    accepted = await post_all(target, numbered(BODY, 2000, uuid.uuid4().hex), connections=16, rate=100)
    await until_reported(bench, before + 2000)
    times = await handover_ms(bench, [a.code for a in accepted if a.code])
    return {f"p{round(share * 100)}_ms": round(percentile(times, share), 1) for share in (0.5, 0.95, 0.99)}


async def main() -> None:
    """All of it, on systems of its own."""
    figures: dict[str, Any] = {"decision_us_per_message": decision_costs()}
    with tempfile.TemporaryDirectory(prefix="pasokh-bench-") as folder:
        figures["duplicates_ms"] = await duplicates.measure()
        figures["worklists_ms"] = await worklists.measure(CASES)
        print(figures, flush=True)
        with Workbench(Home(Path(folder, "whole"))) as bench:
            figures["latency_at_100_per_second"] = await latency(bench)
            figures["whole_path"] = await whole_path(bench, Path(folder))
            print(figures["latency_at_100_per_second"], figures["whole_path"], flush=True)
        # Accepting alone, relay and Kafka included: what consumes would take its turn on the same cores.
        with Workbench(Home(Path(folder, "accept")), services=("intake",)) as bench:
            figures["accept"] = await accept_ratio(bench, Path(folder))
            figures["call_events"] = await calls.measure(bench)
        with Workbench(Home(Path(folder, "hooks")), services=("intake",), settings=webhooks.SETTINGS) as bench:
            figures["webhooks"] = await webhooks.webhook_ratios(bench, Path(folder))
        figures["open311"] = await open311.measure(CASES)
    text = orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()
    Path("bench.json").write_text(text)
    print(text)


if __name__ == "__main__":
    asyncio.run(main())
