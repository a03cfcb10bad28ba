"""A messenger's webhook against bare FastAPI: every update a message of its own, from a chat of its own."""

import asyncio
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from intake.channels.meta.signature import signature
from workbench.ports import free_port, listens
from workbench.system import Workbench

from tests import payloads
from tests.bench.measure import CONNECTIONS, TEXT, count

SECRET = payloads.SECRET
SETTINGS = {
    "PASOKH_CONVERSATION_PHOTO": "false",  # else what can be seen waits for one
    "PASOKH_TELEGRAM_BOTS": f'{{"bench": "{SECRET}"}}',
    "PASOKH_BALE_SECRETS": f'["{SECRET}"]',
    "PASOKH_RUBIKA_SECRETS": f'["{SECRET}"]',
    "PASOKH_META_APP_SECRETS": f'["{payloads.APP_SECRET}"]',
    "PASOKH_SMS_SECRETS": f'["{SECRET}"]',
}
PLACED = f"منطقه ۳. {TEXT}"  # complete, so that it is accepted at once
MOST_PER_SECOND = 6000  # bodies that are made for a turn; more would come twice
ROUNDS = 3

_LUA = """
wrk.method = "POST"
local head = {["Content-Type"] = "@media", ["X-Telegram-Bot-Api-Secret-Token"] = "@secret"}
local lines, n = {}, 0
for line in io.lines("@bodies") do lines[#lines + 1] = line end
function request()
  n = n % #lines + 1
  local signature, body = lines[n]:match("^(%S*) (.*)$")
  head["X-Hub-Signature-256"] = signature
  return wrk.format(nil, nil, head, body)
end
"""


def _telegram(n: int) -> bytes:
    return payloads.body(payloads.telegram_message(text=PLACED, chat={"id": n, "type": "private"}))


def _rubika(n: int) -> bytes:
    document = payloads.rubika_message(text=PLACED)
    document["update"]["chat_id"] = f"b0{n}"
    return payloads.body(document)


def _whatsapp(n: int) -> bytes:
    message = payloads.whatsapp_message(text={"body": PLACED}, **{"from": f"98{n % 10**10:010d}"})
    return payloads.body(payloads.whatsapp_batch(message))


def _instagram(n: int) -> bytes:
    event = payloads.instagram_event(message={"mid": f"m_{n}", "text": PLACED}, sender={"id": str(n)})
    return payloads.body(payloads.instagram_batch(event))


def _sms(n: int) -> bytes:
    return payloads.sms_form(messageid=str(n), message=PLACED, **{"from": f"09{n % 10**9:09d}"})


HOOKS: Mapping[str, tuple[str, Callable[[int], bytes]]] = {
    "telegram": ("/v1/social/telegram/bench", _telegram),
    "bale": (f"/v1/social/bale/{SECRET}", _telegram),
    "rubika": (f"/v1/social/rubika/{SECRET}/receiveUpdate", _rubika),
    "whatsapp": ("/v1/social/whatsapp", _whatsapp),
    "instagram": ("/v1/social/instagram", _instagram),
    "sms": (f"/v1/social/sms/{SECRET}", _sms),
}


@dataclass(frozen=True)
class Turn:
    """Requests a second, the 99th percentile in ms, and the server's CPU of a request in µs."""

    per_second: float
    p99_ms: float
    cpu_us: float


def _script(name: str, seconds: int, folder: Path) -> Path:
    """What wrk sends: bodies that were never sent before, signed."""
    first = time.time_ns() // 1000
    make = HOOKS[name][1]
    bodies = [make(first + n) for n in range(seconds * MOST_PER_SECOND)]
    lines = [b"sha256=" + signature(body, payloads.APP_SECRET).encode() + b" " + body for body in bodies]
    (folder / "bodies").write_bytes(b"\n".join(lines))
    script = folder / "hook.lua"
    media = "application/x-www-form-urlencoded" if name == "sms" else "application/json"
    filled = _LUA.replace("@secret", SECRET).replace("@bodies", str(folder / "bodies")).replace("@media", media)
    script.write_text(filled, encoding="utf-8")
    return script


def _turn(url: str, process: psutil.Process, script: Path, seconds: int) -> Turn:
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
        return {name: await _ratio(bench, name, (port, yardstick, own), seconds, folder) for name in HOOKS}
    finally:
        bare.terminate()
        bare.wait()


async def _ratio(
    bench: Workbench, name: str, servers: tuple[int, psutil.Process, psutil.Process], seconds: int, folder: Path
) -> dict[str, Any]:
    port, yardstick, own = servers
    path = HOOKS[name][0]
    before = await count(bench, "intake", "SELECT count(*) FROM messages")
    turns = []
    for _ in range(ROUNDS):
        script = await asyncio.to_thread(_script, name, seconds, folder)
        plain = await asyncio.to_thread(_turn, f"http://127.0.0.1:{port}{path}", yardstick, script, seconds)
        durable = await asyncio.to_thread(_turn, f"{bench.url('intake')}{path}", own, script, seconds)
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
