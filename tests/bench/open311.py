"""Open311 at a million cases: requests a second through both services, and what each question costs routing."""

import asyncio
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
from common.codes import is_code
from routing.city import City
from workbench.home import Home
from workbench.load import Target, percentile
from workbench.ports import free_port, listens
from workbench.system import Workbench

from tests.bench.measure import cpu_seconds, rate

SECONDS, CONNECTIONS, ROUNDS = 6, 32, 40
DAYS = 150  # over which the cases came, evenly; 600,000 of a million in the 90 days of a list
LIST = "/open311/v2/requests.json?page_size=50"
# The last 4 % are open, and one in 200 of the others; codes are a walk through all of ten digits, as in `worklists`.
_CASES = """
INSERT INTO cases (code, revision, status, topic, kind, text, channel, unit, level, region, nahiye, place, urgent,
                   sms, occurred_at, received_at, deadline, answered_at, reasons)
SELECT lpad((n * 7364136223 % 10000000000)::text, 10, '0'), 2,
       CASE WHEN closed THEN CASE WHEN n % 3 = 0 THEN 'accepted' ELSE 'answered' END ELSE 'referred' END,
       ($2::text[])[1 + floor(power(random(), 3) * cardinality($2::text[]))], 'request', repeat('جوی آب گرفته ', 12),
       'app', 'region-' || 1 + n % 22, 'region', 1 + n % 22, 1 + n % 4,
       jsonb_build_object('lat', 35.6 + random() * 0.2, 'lon', 51.2 + random() * 0.3), n % 20 = 0, true,
       at, at, at + interval '36 hours', CASE WHEN closed THEN at + interval '1 day' END, '{}'
FROM generate_series(1, $1::bigint) AS g(n)
CROSS JOIN LATERAL (SELECT now() - interval '1 day' * $3 * (1 - n / $1::float) AS at) a
CROSS JOIN LATERAL (SELECT n < $1 * 0.96 AND n % 200 <> 0 AS closed) c
"""
_HISTORY = """
INSERT INTO history (code, revision, step, status, unit, at)
SELECT code, step, 'refer', status, unit, CASE step WHEN 1 THEN received_at ELSE coalesce(answered_at, received_at) END
FROM cases CROSS JOIN generate_series(1, 2) AS s(step) ORDER BY received_at + interval '1 day' * (step - 1)
"""
_LUA = """
local paths = {@paths}
local n = 0
function request()
  n = n + 1
  return wrk.format("GET", paths[n % #paths + 1])
end
"""


async def measure(cases: int = 1_000_000) -> dict[str, Any]:
    """The figures, on a system of its own: intake, routing, their databases and Kafka on the same cores."""
    with tempfile.TemporaryDirectory(prefix="pasokh-bench-") as folder:
        services = ("intake", "routing")
        settings = {"PASOKH_TRACE_RATIO": "0"}
        with Workbench(Home(Path(folder, "open311")), services=services, settings=settings) as bench:
            started = time.perf_counter()
            codes = await _fill(bench.postgres.dsn("routing"), cases)
            figures: dict[str, Any] = {"cases": cases, "filled_seconds": round(time.perf_counter() - started, 1)}
            figures["bare_per_second"] = await _yardstick(Path(folder))
            for name, paths in _questions(codes).items():
                figures[name] = await _asked(bench, paths, Path(folder))
            figures["routing_ms"] = await _costs(bench)
    return figures


async def _asked(bench: Workbench, paths: Sequence[str], folder: Path) -> dict[str, Any]:
    """The rate, and what an answer takes of each part's CPU: that does not go by what else the machine does."""
    before = cpu_seconds(bench)
    asked = await asyncio.to_thread(_rate, bench.url("intake"), paths, folder)
    used = {name: seconds - before[name] for name, seconds in cpu_seconds(bench).items() if name != "kafka"}
    answers = asked.pop("answers")
    return asked | {"cpu_us": {name: round(seconds / answers * 1e6) for name, seconds in used.items()}}


async def _fill(address: str, cases: int) -> list[str]:
    """Codes of some of the cases."""
    connection = await asyncpg.connect(address)
    topics = [topic.code for topic in City.load().topics.values() if topic.shown != "never"]
    await connection.execute(_CASES, cases, topics, DAYS, timeout=1200)
    await connection.execute(_HISTORY, timeout=1200)
    for name in ("cases", "history"):
        await connection.execute(f"VACUUM ANALYZE {name}", timeout=1200)
    rows = await connection.fetch("SELECT code FROM cases ORDER BY code LIMIT 20000")
    await connection.close()
    return [row["code"] for row in rows if is_code(row["code"])][:1000]


def _questions(codes: Sequence[str]) -> dict[str, list[str]]:
    topics = list(City.load().topics)[:20]
    mixed = itertools.product(topics, ("open", "closed", ""), range(1, 6))
    return {
        "list_json": [LIST],
        "list_xml": [LIST.replace("json", "xml")],
        "list_of_1000": ["/open311/v2/requests.json"],
        "300_different_lists": [f"{LIST}&service_code={t}&status={s}&page={page}" for t, s, page in mixed],
        "1000_different_requests": [f"/open311/v2/requests/{code}.json" for code in codes],
        "services": ["/open311/v2/services.json"],
    }


async def _yardstick(folder: Path) -> int:
    port = free_port()
    bare = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port)])
    try:
        while not listens(port):
            await asyncio.sleep(0.05)
        return round((await rate(Target(f"http://127.0.0.1:{port}/v1/app/messages", ""), SECONDS, folder)).per_second)
    finally:
        bare.terminate()
        bare.wait()


def _rate(url: str, paths: Sequence[str], folder: Path) -> dict[str, Any]:
    """Requests a second and their 99th percentile, by `wrk`."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return _rate_alone(url, paths)
    script = folder / "get.lua"
    script.write_text(_LUA.replace("@paths", ", ".join(f'"{path}"' for path in paths)))
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), "--latency", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", out)
    answers = re.search(r"(\d+) requests in", out)
    assert found is not None
    assert per_second is not None
    assert answers is not None
    factor = {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
    figures = {"per_second": round(float(per_second[1])), "p99_ms": round(float(found[1]) * factor, 1)}
    return figures | {"refused": "Non-2xx" in out, "client": "wrk", "answers": int(answers[1])}


def _rate_alone(url: str, paths: Sequence[str]) -> dict[str, Any]:
    """One connection's; it shows that it works, not how fast it is."""
    times = []
    with httpx.Client(base_url=url) as client:
        for path in itertools.islice(itertools.cycle(paths), 500):
            started = time.perf_counter()
            client.get(path).raise_for_status()
            times.append(time.perf_counter() - started)
    p99 = round(percentile(times, 0.99) * 1000, 1)
    return {
        "per_second": round(len(times) / sum(times)),
        "p99_ms": p99,
        "refused": False,
        "client": "httpx",
        "answers": 500,
    }


async def _costs(bench: Workbench) -> dict[str, Any]:
    """What one question takes of routing, which nothing keeps."""
    now = datetime.now(UTC)
    since = {"since": (now - timedelta(days=90)).isoformat()}
    asked: dict[str, Mapping[str, Any]] = {
        "first_page": since,
        "page_1000": since | {"offset": 50_000},
        "1000_items": since | {"limit": 1000},
        "closed": since | {"open": False},
        "one_topic_closed": since | {"open": False, "topics": "US-GUTTER"},
        "rare_topic": since | {"topics": "XX-POWER"},
        "updated_in_the_last_hour": {"updated_since": (now - timedelta(hours=1)).isoformat()},
        "updated_on_an_old_day": {
            "updated_since": (now - timedelta(days=60)).isoformat(),
            "updated_until": (now - timedelta(days=59)).isoformat(),
        },
    }
    headers = {"Authorization": f"Bearer {bench.keys.token('service')}"}
    async with httpx.AsyncClient(base_url=bench.url("routing"), headers=headers, timeout=60) as client:
        return {name: await _timed(client, {"limit": 50, **query}) for name, query in asked.items()}


async def _timed(client: httpx.AsyncClient, query: Mapping[str, Any]) -> dict[str, float]:
    times = []
    for _ in range(3 + ROUNDS):
        started = time.perf_counter()
        answer = await client.get("/v1/public/cases", params=query)
        times.append((time.perf_counter() - started) * 1000)
        answer.raise_for_status()
    shares = {f"p{round(share * 100)}_ms": round(percentile(times[3:], share), 1) for share in (0.5, 0.99)}
    return {"found": len(answer.json()["items"])} | shares


if __name__ == "__main__":
    print(orjson.dumps(asyncio.run(measure(*map(int, sys.argv[1:]))), option=orjson.OPT_INDENT_2).decode())
