"""A stream of events does not keep a service from stopping."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from common.commands import migrate
from workbench.keys import Keys
from workbench.ports import free_port
from workbench.postgres import Postgres

from tests.builders import SERVICES, service_settings
from tests.integration.exchanges import until


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def address(postgres: Postgres, database_name: str) -> str:
    address = await postgres.new_database(database_name)
    migrate(address, SERVICES / "intake" / "intake")
    return address


@pytest.fixture
def served(address: str, keys: Keys, port: int) -> Iterator[subprocess.Popen[bytes]]:
    settings = service_settings(address, keys) | {"port": port}
    environment = os.environ | {f"PASOKH_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-c", "from intake.app import main; main()"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


async def test_at_sigterm_the_streams_end_by_themselves(served: subprocess.Popen[bytes], keys: Keys, port: int) -> None:
    headers = {"Authorization": f"Bearer {keys.token('operator')}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, headers=headers) as client:
        await until(lambda: _answers(client))
        async with client.stream("GET", "/v1/phone/queues/stream") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            told = answer.aiter_lines()
            assert [await anext(told) for _ in range(4)] == ["retry: 2000", "", "id: 1", "event: queues"]
            served.send_signal(signal.SIGTERM)
            assert [line async for line in told] == ["data: []", ""]  # a cut stream would be an error here


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/livez")).status_code == 200
    except httpx.TransportError:
        return False
