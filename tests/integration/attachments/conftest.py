"""Intake with a folder for attachments, beside a host that stands for its neighbours."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from common.app import Service
from common.db import Database
from common.sealed import Sealer
from fastapi import FastAPI
from intake.app import create_app
from intake.attachments import content
from intake.attachments.content import Content
from intake.attachments.fetching import Fetcher
from intake.attachments.keeping import Keeper
from intake.attachments.platforms import Platforms
from intake.attachments.scanning import NoScanner, Scanner
from intake.attachments.storage import FolderStorage
from intake.settings import Settings
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.attachments.hosts import TOKEN, Make
from tests.integration.http import Asked, beside
from tests.platforms import Host


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    """Intake's."""
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def routing() -> AsyncIterator[Host]:
    """A neighbour that answers what a test puts there."""
    async with Host() as made:
        yield made


@pytest.fixture
async def app(database: Database, keys: Keys, routing: Host, tmp_path: Path) -> AsyncIterator[FastAPI]:
    """Intake, accepting."""
    settings = service_settings(database.address, keys) | {"routing_url": routing.url, "files_folder": tmp_path}
    made = create_app(Settings.model_construct(None, **settings))
    service: Service = made.state.service
    async with beside(made.state.reception._accept.run()):
        yield made
    await service.database.close()


@pytest.fixture
def intake(app: FastAPI, keys: Keys) -> Asked:
    """Intake, asked as a role."""
    return Asked(app, keys)


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


@pytest.fixture
def sealer(keys: Keys) -> Sealer:
    """The keys of the session."""
    return Sealer.from_file(keys.seal_keys)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A platform, or any host on the internet."""
    async with Host() as made:
        yield made


@pytest.fixture
def fetcher_of(database: Database, sealer: Sealer, host: Host, tmp_path: Path) -> Make:
    """Makes a fetcher that knows the host as every platform."""

    def make(*, scanner: Scanner | None = None, examine: Callable[[bytes], Content] = content.examine) -> Fetcher:
        names = ("telegram", "bale", "rubika", "whatsapp/1055")
        settings = Settings.model_construct(
            None,
            files_from_loopback=True,
            messenger_tokens=dict.fromkeys(names, TOKEN),
            messenger_urls={name.partition("/")[0]: host.url for name in names},
        )
        keeper = Keeper(database, FolderStorage(tmp_path), scanner or NoScanner(), examine)
        return Fetcher(database, keeper, Platforms(settings), sealer)

    return make
