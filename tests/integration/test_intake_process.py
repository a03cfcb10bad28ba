"""Intake as a process: a stream does not keep it from stopping, and a kill -9 does not change its queues."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from common.commands import migrate
from workbench.keys import Keys
from workbench.ports import free_port
from workbench.postgres import Postgres

from tests.builders import SERVICES, service_settings
from tests.integration.exchanges import until

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def address(postgres: Postgres, database_name: str) -> str:
    address = await postgres.new_database(database_name)
    migrate(address, SERVICES / "intake" / "intake")
    return address


@pytest.fixture
def start(address: str, keys: Keys, port: int) -> Iterator[Start]:
    settings = service_settings(address, keys) | {"port": port}
    environment = os.environ | {f"PASOKH_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-c", "from intake.app import main; main()"]
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        started.append(subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def a_client(keys: Keys, port: int) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {keys.token('service')}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, headers=headers)


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/livez")).status_code == 200
    except httpx.TransportError:
        return False


async def test_at_sigterm_the_streams_end_by_themselves(start: Start, keys: Keys, port: int) -> None:
    served = start()
    async with a_client(keys, port) as client:
        await until(lambda: _answers(client), 150)
        async with client.stream("GET", "/v1/phone/queues/stream") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            told = answer.aiter_lines()
            assert [await anext(told) for _ in range(4)] == ["retry: 2000", "", "id: 1", "event: queues"]
            served.send_signal(signal.SIGTERM)
            assert [line async for line in told] == ["data: []", ""]  # a cut stream would be an error here


async def test_a_kill_changes_nothing_in_the_queues(start: Start, keys: Keys, port: int) -> None:
    now = datetime.now(UTC)
    events = [_joined(n, now - timedelta(seconds=10 * n)) for n in range(1, 8)]
    events += [event | {"event": "abandoned", "at": now.isoformat()} for event in events[:3]]
    agents = [{"queue": "137", "agent": "401", "state": "busy", "at": now.isoformat()}]
    served = start()
    async with a_client(keys, port) as client:
        await until(lambda: _answers(client), 150)
        told = await client.post("/v1/phone/events", json={"events": events, "agents": agents})
        served.kill()
        served.wait()
        start()
        await until(lambda: _answers(client), 150)
        [queue] = (await client.get("/v1/phone/queues")).json()
    assert told.status_code == 202
    assert (queue["waiting"], queue["agents"]) == (4, {"busy": 1})
    assert queue["longest_wait_seconds"] >= 70


def _joined(number: int, at: datetime) -> dict[str, Any]:
    return {"call_id": f"c-{number}", "queue": "137", "event": "joined", "at": at.isoformat()}
