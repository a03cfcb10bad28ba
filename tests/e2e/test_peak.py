"""A peak on the telephone through the whole system; and intake killed in the middle of a promise."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from rich.console import Console
from rich.progress import Progress
from workbench.demo import Day
from workbench.peak import peak_hour
from workbench.scenes import Stage
from workbench.system import Workbench


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
async def stage(city: Workbench, said: io.StringIO) -> AsyncIterator[Stage]:
    console = Console(file=said, width=200)
    async with httpx.AsyncClient(timeout=30) as client:
        yield Stage(Day(city, client, Progress(console=console)), console)


async def test_a_peak_hour_is_told_apart_in_the_report_of_shifts(stage: Stage, said: io.StringIO) -> None:
    good = await peak_hour(stage, seed=5)
    assert good, said.getvalue()
    assert "BROKEN" not in said.getvalue()


async def test_a_promise_and_a_lease_survive_a_kill(city: Workbench, stage: Stage) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=30)
    waiting = [_joined(f"kill-{n}", begin + timedelta(seconds=n)) for n in range(9)]
    await stage.run.post("intake/v1/phone/events", "service", {"events": waiting})
    caller = {"call_id": "kill-9", "queue": "kill", "caller": "09121234567", "at": begin.isoformat()}
    decision = (await stage.run.post("intake/v1/phone/decisions", "service", caller)).json()
    assert "callback" in decision["options"]
    chosen = {"choice": "callback", "at": begin.isoformat()}
    await stage.run.post("intake/v1/phone/decisions/kill-9/choice", "service", chosen)
    await _killed(city)
    first = await _due(stage)
    await _killed(city)
    again = await _due(stage)
    assert (again["call_id"], again["attempt"]) == (first["call_id"], first["attempt"]) == ("kill-9", 1)
    done = await stage.run.post("intake/v1/phone/callbacks/kill-9/outcomes", "operator", {"outcome": "reached"})
    assert done.json()["state"] == "reached"


def _joined(call_id: str, at: datetime) -> dict[str, Any]:
    return {"call_id": call_id, "queue": "kill", "event": "joined", "at": at.isoformat()}


async def _killed(city: Workbench) -> None:
    city.kill("intake")
    await asyncio.sleep(0.5)
    await asyncio.to_thread(city.wait_ready, "intake")


async def _due(stage: Stage) -> dict[str, Any]:
    """The callback, as soon as the promised time has come: a queue in which nobody works is thought to take two hours,
    so that its row is moved to now."""
    await _bring_forward(stage.run.bench)
    until = time.monotonic() + 30
    while True:
        answer = await stage.run.post("intake/v1/phone/callbacks/next", "operator", {})
        if answer.status_code == 200:
            return dict(answer.json())
        assert time.monotonic() < until
        await asyncio.sleep(0.2)


async def _bring_forward(city: Workbench) -> None:
    connection = await asyncpg.connect(city.postgres.dsn("intake"))
    try:
        await connection.execute("UPDATE callbacks SET due_at = now() WHERE call_id = 'kill-9'")
    finally:
        await connection.close()
