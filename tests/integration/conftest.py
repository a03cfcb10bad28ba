"""Notify with every means, on a database of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from common.sealed import Sealer
from fastapi import FastAPI
from workbench.keys import Keys
from workbench.postgres import Postgres
from workbench.sandbox.app import create_app as create_sandbox

from tests.builders import a_database
from tests.integration.telling import SECRET, Telling, served


@pytest.fixture
def all_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, FastAPI]]:
    """The sandbox: its address, and the app whose state a test looks at."""
    monkeypatch.setenv("PASOKH_SANDBOX_LEDGER", str(tmp_path / "ledger.jsonl"))
    monkeypatch.setenv("PASOKH_SANDBOX_WEBHOOK_SECRET", SECRET)
    monkeypatch.delenv("PASOKH_GATEWAY_KEY", raising=False)
    app = create_sandbox()
    with served(app) as url:
        yield url, app


@pytest.fixture
async def telling(
    postgres: Postgres, database_name: str, keys: Keys, all_means: tuple[str, FastAPI]
) -> AsyncIterator[Telling]:
    database = await a_database(postgres, "notify", database_name)
    made = Telling(database, Sealer.from_file(keys.seal_keys), *all_means)
    yield made
    await made.close()
    await database.close()
