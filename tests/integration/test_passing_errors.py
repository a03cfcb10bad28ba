"""What PostgreSQL says when it is not the event's fault: it passes by itself, and nothing is put aside for it."""

from collections.abc import AsyncIterator

import pytest
from common.db import Database
from common.errors import is_transient
from sqlalchemy import make_url
from workbench.postgres import Postgres

from tests.builders import a_database


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "routing", database_name)
    yield made
    await made.close()


async def test_a_standby_that_has_not_taken_over_yet_is_waited_for(database: Database) -> None:
    with pytest.raises(Exception, match="read-only") as found:
        async with database.transaction() as tx:
            await tx.execute("SET TRANSACTION READ ONLY; DELETE FROM cases")
    assert is_transient(found.value)


async def test_a_user_whose_access_is_being_changed_is_waited_for(database: Database) -> None:
    stranger = Database(str(make_url(database.address).set(username="not_yet")), connections=1)
    with pytest.raises(Exception, match="not_yet") as found:
        async with stranger.transaction():
            pass
    await stranger.close()
    assert is_transient(found.value)


async def test_a_value_that_never_fits_is_not_waited_for(database: Database) -> None:
    with pytest.raises(Exception, match="invalid byte") as found:
        async with database.transaction() as tx:
            await tx.fetchval("SELECT $1::text", "\x00")
    assert not is_transient(found.value)
