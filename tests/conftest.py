"""Real parts, started once a test session through the workbench, with state in a temporary folder."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from common.kafka import create_streams
from workbench.home import Home
from workbench.kafka import Kafka
from workbench.keys import Keys
from workbench.postgres import Postgres
from workbench.system import Workbench

from tests.e2e.otlp import Receiver

_numbers = itertools.count()


@pytest.hookimpl(tryfirst=True)  # before the names of the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `-n 2 --dist loadgroup`: what asks the whole city stays in one process, and so does each other file."""
    for item in items:
        asks_city = "city" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("city" if asks_city else item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the session."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def kafka(state: Path) -> Iterator[Kafka]:
    """A broker with the streams created."""
    broker = Kafka(state / "kafka")
    broker.start()
    asyncio.run(create_streams(broker.servers))
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def postgres(state: Path) -> Iterator[Postgres]:
    """A server without databases of ours."""
    server = Postgres(state / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def keys(state: Path) -> Keys:
    """Keys that sign tokens and seal personal data."""
    made = Keys(state / "keys")
    made.make()
    return made


@pytest.fixture(scope="session")
def traces() -> Iterator[Receiver]:
    """What the services of `city` export."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory, traces: Receiver) -> Iterator[Workbench]:
    """The whole system as processes; only what a test traces is traced."""
    settings = {"PASOKH_TRACE_RATIO": "0", "PASOKH_OTLP": traces.url}
    with Workbench(Home(tmp_path_factory.mktemp("city")), settings=settings) as bench:
        yield bench


@pytest.fixture
def database_name() -> str:
    """A name that no other test uses."""
    return f"test_{next(_numbers)}"
