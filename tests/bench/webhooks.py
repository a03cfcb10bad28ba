"""A messenger's webhook against bare FastAPI: every update a message of its own, from a chat of its own."""

import asyncio
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from workbench.ports import free_port, listens
from workbench.system import Workbench

from tests.bench.measure import CONNECTIONS, TEXT, count

SECRET = "bench-secret-of-webhooks"
SETTINGS = {"PASOKH_TELEGRAM_BOTS": f'{{"bench": "{SECRET}"}}', "PASOKH_BALE_SECRETS": f'["{SECRET}"]'}
HOOKS = {"telegram": "/v1/social/telegram/bench", "bale": f"/v1/social/bale/{SECRET}"}
PLACED = f"منطقه ۳. {TEXT}"  # complete, so that it is accepted at once
ROUNDS = 3

_LUA = """
wrk.method = "POST"
local head = {["Content-Type"] = "application/json", ["X-Telegram-Bot-Api-Secret-Token"] = "@secret"}
local n = @first
function request()
  n = n + 1
  local user = string.format('{"id":%d,"is_bot":false,"first_name":"Ali","language_code":"fa"}', n)
  local chat = string.format('{"id":%d,"first_name":"Ali","type":"private"}', n)
  return wrk.format(nil, nil, head, string.format(
    '{"update_id":%d,"message":{"message_id":7,"from":%s,"chat":%s,"date":@now,"text":"@text"}}', n, user, chat))
end
"""


@dataclass(frozen=True)
class Turn:
    """Requests a second, the 99th percentile in ms, and the server's CPU of a request in µs."""

    per_second: float
    p99_ms: float
    cpu_us: float


def _turn(url: str, process: psutil.Process, seconds: int, folder: Path) -> Turn:
    script = folder / "hook.lua"
    first = str(time.time_ns() // 1_000_000 % 10**12)
    filled = _LUA.replace("@secret", SECRET).replace("@first", first).replace("@text", PLACED)
    script.write_text(filled.replace("@now", str(int(time.time()))), encoding="utf-8")
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("webhooks are measured with wrk; install it")
    before = process.cpu_times()
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), "--latency", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = process.cpu_times()
    if "Non-2xx" in out:
        raise RuntimeError(out)
    done = re.search(r"(\d+) requests in", out)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    assert done is not None
    assert rate is not None
    assert p99 is not None
    cpu = used.user + used.system - before.user - before.system
    factor = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Turn(float(rate[1]), float(p99[1]) * factor, cpu / int(done[1]) * 1e6)


async def webhook_ratios(bench: Workbench, folder: Path, *, seconds: int = 6) -> Mapping[str, Any]:
    """Each webhook in turns with the bare app; the median of three. `bench` runs with `SETTINGS`."""
    port = free_port()
    bare = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port)])
    try:
        while not listens(port):
            await asyncio.sleep(0.05)
        yardstick, own = psutil.Process(bare.pid), psutil.Process(bench.children["intake"].pid)
        return {
            name: await _ratio(bench, path, (port, yardstick, own), seconds, folder) for name, path in HOOKS.items()
        }
    finally:
        bare.terminate()
        bare.wait()


async def _ratio(
    bench: Workbench, path: str, servers: tuple[int, psutil.Process, psutil.Process], seconds: int, folder: Path
) -> dict[str, Any]:
    port, yardstick, own = servers
    before = await count(bench, "intake", "SELECT count(*) FROM messages")
    turns = []
    for _ in range(ROUNDS):
        plain = await asyncio.to_thread(_turn, f"http://127.0.0.1:{port}{path}", yardstick, seconds, folder)
        durable = await asyncio.to_thread(_turn, f"{bench.url('intake')}{path}", own, seconds, folder)
        turns.append((plain, durable))
    turns.sort(key=lambda turn: turn[1].per_second / turn[0].per_second)
    plain, durable = turns[len(turns) // 2]
    return {
        "bare_per_second": round(plain.per_second),
        "durable_per_second": round(durable.per_second),
        "ratio": round(durable.per_second / plain.per_second, 3),
        "cpu_ratio": round(plain.cpu_us / durable.cpu_us, 3),
        "p99_ms": round(durable.p99_ms, 1),
        "messages": await count(bench, "intake", "SELECT count(*) FROM messages") - before,
    }
