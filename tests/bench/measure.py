"""What is measured: requests a second, the whole path, latencies, CPU by process."""

import asyncio
import re
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
import orjson
import psutil
from workbench.load import Target, numbered, percentile, post_all
from workbench.reconcile import FIRST_TOLD
from workbench.system import Workbench

# 616 bytes of Persian, as a citizen writes.
TEXT = (
    "سلام، در خیابان ولیعصر نرسیده به میدان ونک جوی آب گرفته و آب وسط خیابان جمع شده است. چند روز است که کسی رسیدگی "
    "نکرده و با باران دیشب وضع بدتر شده؛ عابران و مغازه‌دارها در رفت‌وآمد مشکل دارند. لطفاً هرچه زودتر مأمور بفرستید تا "
    "جوی لایروبی شود و بوی بد آن هم برطرف گردد. با تشکر فراوان از شما"
)
# No topic is chosen: routing has to find it.
BODY: dict[str, object] = {"text": TEXT, "place": {"lat": 35.7575, "lon": 51.41}}
CONNECTIONS = 64
SLICE_SECONDS = 3


@dataclass(frozen=True)
class Rate:
    """Requests a second and the 99th percentile in ms, and by whose load."""

    per_second: float
    p99_ms: float
    client: str


async def rate(target: Target, seconds: int, folder: Path) -> Rate:
    """As many requests as 64 connections make."""
    if wrk := shutil.which("wrk"):
        return await asyncio.to_thread(_wrk, wrk, target, seconds, folder)
    started = time.perf_counter()
    count = seconds * 2000
    accepted = await post_all(target, numbered(BODY, count, uuid.uuid4().hex), connections=CONNECTIONS)
    took = time.perf_counter() - started
    return Rate(count / took, percentile([a.seconds for a in accepted], 0.99) * 1000, "workbench.load")


_LUA = """
wrk.method = "POST"
local head = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer @token"}
local n = 0
function request()
  n = n + 1
  head["Idempotency-Key"] = "@run-" .. n
  local lat, lon = 35.64 + math.random() * 0.12, 51.3 + math.random() * 0.2
  local place = string.format(',"place":{"lat":%.5f,"lon":%.5f}', lat, lon)
  return wrk.format(nil, nil, head, [[@body]] .. place .. string.format(',"phone":"0912%07d"}', n % 10000000))
end
"""


def _wrk(wrk: str, target: Target, seconds: int, folder: Path) -> Rate:
    """Every request a message of its own: another telephone, another place, another idempotency key."""
    script = folder / "post.lua"
    body = orjson.dumps({name: value for name, value in BODY.items() if name != "place"}).decode()[:-1]
    filled = _LUA.replace("@token", target.token).replace("@run", uuid.uuid4().hex).replace("@body", body)
    script.write_text(filled, encoding="utf-8")
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), "--latency", target.url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    found = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None
    assert per_second is not None
    factor = {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
    return Rate(float(per_second[1]), float(found[1]) * factor, "wrk")


async def pour(bench: Workbench, target: Target, messages: int, folder: Path) -> tuple[int, float]:
    """Post at least so many as fast as 64 connections can; how many were stored, and in how many seconds."""
    before = await count(bench, "intake", "SELECT count(*) FROM messages")
    started = time.perf_counter()
    stored = 0
    while stored < messages:
        await rate(target, SLICE_SECONDS, folder)
        stored = await count(bench, "intake", "SELECT count(*) FROM messages") - before
    return stored, time.perf_counter() - started


def cpu_seconds(bench: Workbench) -> dict[str, float]:
    """CPU that each part has used, its children included."""
    used = {}
    for name, child in bench.children.items():
        if child.pid is None:
            continue
        process = psutil.Process(child.pid)
        family = [process, *process.children(recursive=True)]
        times = [one.cpu_times() for one in family]
        used[name] = sum(t.user + t.system + t.children_user + t.children_system for t in times)
    return used


async def count(bench: Workbench, service: str, query: str) -> int:
    """One number from a service's database."""
    connection = await asyncpg.connect(bench.postgres.dsn(service))
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


async def until_reported(bench: Workbench, messages: int, seconds: float = 600) -> None:
    """Until as many messages are told and reported."""
    query = f"SELECT count(*) FROM notification_facts WHERE told IN {FIRST_TOLD} AND sent_at IS NOT NULL"
    async with asyncio.timeout(seconds):
        while await count(bench, "reporting", query) < messages:
            await asyncio.sleep(0.2)


async def handover_ms(bench: Workbench, codes: list[str]) -> list[float]:
    """Accept → SMS handed over, in ms, of each code."""
    moments: dict[str, dict[str, datetime]] = {}
    for service, query in (
        ("intake", "SELECT code, received_at FROM messages WHERE code = ANY($1)"),
        ("notify", "SELECT code, sent_at FROM delivery_states WHERE revision = 1 AND code = ANY($1)"),
    ):
        connection = await asyncpg.connect(bench.postgres.dsn(service))
        moments[service] = {row[0]: row[1] for row in await connection.fetch(query, codes)}
        await connection.close()
    return [(moments["notify"][code] - moments["intake"][code]).total_seconds() * 1000 for code in codes]
