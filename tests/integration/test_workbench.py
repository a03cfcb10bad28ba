"""The workbench itself: what it starts comes back after a kill -9, and nothing outlives it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import psutil
import pytest
from common.events import Stream
from common.kafka import create_streams
from workbench.home import Home
from workbench.kafka import Kafka
from workbench.keys import Keys
from workbench.ports import free_port
from workbench.postgres import Postgres
from workbench.sandbox.ledger import Ledger

WORKBENCH = str(Path(sys.executable).parent / "workbench")


async def test_kafka_comes_back_after_a_kill_with_what_it_had(tmp_path: Path) -> None:
    broker = Kafka(tmp_path)
    await asyncio.to_thread(broker.start)
    assert len(await create_streams(broker.servers)) == 2 * len(Stream)
    broker.kill()
    await asyncio.to_thread(broker.start)
    assert await create_streams(broker.servers) == []
    broker.stop()
    assert not broker.child.running


async def test_postgres_comes_back_after_a_kill_with_what_was_committed(tmp_path: Path) -> None:
    server = Postgres(tmp_path)
    await asyncio.to_thread(server.start)
    connection = await asyncpg.connect(await server.new_database("kept"))
    await connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    server.kill()
    connection.terminate()
    await asyncio.to_thread(server.start)
    connection = await asyncpg.connect(server.dsn("kept"))
    assert await connection.fetchval("SELECT n FROM t") == 1
    await connection.close()
    server.stop()


def test_a_ledger_delivers_a_localid_once_and_forgets_nothing_at_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    first = Ledger(path)
    [sms] = first.deliver([("1", "+989121234567", "سلام")])
    [again] = first.deliver([("1", "+989121234567", "سلام")])
    assert (again.messageid, again.asked, len(first.sent)) == (sms.messageid, 2, 1)
    first.close()
    with path.open("ab") as file:
        file.write(b'[[1000001,"2","+98')  # killed in the middle of a line
    second = Ledger(path)
    assert [s.localid for s in second.sent] == ["1"]
    assert second.deliver([("1", "+989121234567", "سلام")])[0].messageid == sms.messageid
    assert second.deliver([("2", "+989121234567", "سلام")])[0].messageid != sms.messageid
    second.close()


def test_keys_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    keys.make()
    before = keys.seal_keys.read_text()
    keys.make()
    assert keys.seal_keys.read_text() == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys.folder.iterdir())
    with pytest.raises(ValueError, match="nobody"):
        keys.token("nobody")


def test_a_home_is_held_by_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    lock = home.lock()
    lock.write("pid 1")
    lock.flush()
    with pytest.raises(BlockingIOError, match="pid 1"):
        home.lock()
    lock.close()
    home.lock().close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_up_ends_with_everything_it_started(tmp_path: Path, how: signal.Signals) -> None:
    base = free_port()
    environment = {**os.environ, "PASOKH_HOME": str(tmp_path), "PASOKH_PORT_BASE": str(base)}
    with (tmp_path / "up.txt").open("wb") as out:
        process = subprocess.Popen([WORKBENCH, "up"], env=environment, stdout=out, stderr=out)
    printed = tmp_path / "up.txt"
    _until(lambda: "Ctrl-C" in printed.read_text() or process.poll() is not None, 60)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 7, printed.read_text()
    second = subprocess.run([WORKBENCH, "up"], env=environment, capture_output=True, text=True)
    assert second.returncode == 1
    assert f"pid {process.pid}" in second.stdout
    process.send_signal(how)
    process.wait(40)
    _until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), 30)
    assert not [child for child in children if child.is_running() and child.status() != "zombie"]


def _until(good: object, seconds: float) -> None:
    assert callable(good)
    until = time.monotonic() + seconds
    while not good() and time.monotonic() < until:
        time.sleep(0.1)
