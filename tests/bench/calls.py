"""Call events in batches of 500, as a telephone exchange posts them: events a second, and CPU of each."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from workbench.system import Workbench

from tests.bench.measure import cpu_seconds

BATCHES, CALLS = 40, 125  # of four events each


def _batch(n: int) -> list[dict[str, Any]]:
    """Calls of one queue: joined, offered, answered, ended."""
    begin, run = datetime.now(UTC) - timedelta(minutes=30), uuid.uuid4().hex[:8]
    events = []
    for call in range(CALLS):
        about = {"call_id": f"{run}-{n}-{call}", "queue": "137"}
        for event, after in (("joined", 0), ("offered", 20), ("answered", 25), ("ended", 150)):
            at = begin + timedelta(seconds=after + call)
            agent = {"agent": f"a{call % 40}"} if event == "answered" else {}
            caller = {"caller": f"0912{call:07d}"} if event == "joined" else {}
            events.append({**about, "event": event, "at": at.isoformat(), **agent, **caller})
    return events


async def measure(bench: Workbench) -> dict[str, Any]:
    """Batches one after the other, each of calls that were never heard of; a batch once more is counted apart."""
    headers = {"Authorization": f"Bearer {bench.keys.token('service')}"}
    batches = [{"events": _batch(n)} for n in range(BATCHES)]
    async with httpx.AsyncClient(base_url=bench.url("intake"), headers=headers, timeout=30) as client:
        fresh = await _posted(bench, client, batches)
        again = await _posted(bench, client, batches)
    return {"fresh": fresh, "again": again}


async def _posted(bench: Workbench, client: httpx.AsyncClient, batches: list[dict[str, Any]]) -> dict[str, Any]:
    before, started = cpu_seconds(bench), time.perf_counter()
    for batch in batches:
        (await client.post("/v1/phone/events", json=batch)).raise_for_status()
    took, after = time.perf_counter() - started, cpu_seconds(bench)
    events = BATCHES * CALLS * 4
    spent = {name: round((after[name] - before[name]) / events * 1e6, 1) for name in ("intake", "postgres")}
    return {"events_per_second": round(events / took), "cpu_us_per_event": spent}
