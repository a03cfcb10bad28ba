"""Uploads that no message named go after a day."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from common.db import Database
from fastapi import FastAPI
from intake.attachments import sweeping
from intake.attachments.sweeping import Sweeper

from tests.integration.attachments.asking import PHOTO, a_message_with_a_photo, pulse, rows, stored_in, uploaded
from tests.integration.http import Asked
from tests.photos import a_photo


async def test_an_upload_that_no_message_named_is_deleted_after_a_day(
    intake: Asked, anyone: httpx.AsyncClient, database: Database, app: FastAPI, tmp_path: Path
) -> None:
    kept = await a_message_with_a_photo(intake, anyone, a_photo("green"))
    await uploaded(intake, anyone, a_photo("green"))
    await uploaded(intake, anyone, a_photo("red"))
    await intake.post("/v1/app/uploads", "app", PHOTO)
    sweeper = Sweeper(database, app.state.shelf.keeper.storage)
    assert await sweeper.turn(datetime.now(UTC) + timedelta(hours=23), pulse()) == 0
    assert await sweeper.turn(datetime.now(UTC) + sweeping.KEEP, pulse()) == 3
    [left] = await rows(database)
    assert (left["code"], stored_in(tmp_path)) == (kept, [left["sha256"]])


async def test_what_is_being_deleted_is_not_given_to_another_at_the_same_time(
    intake: Asked, anyone: httpx.AsyncClient, database: Database, app: FastAPI, tmp_path: Path
) -> None:
    class Slow:
        def __init__(self) -> None:
            self.deleting, self.go_on = asyncio.Event(), asyncio.Event()

        async def delete(self, sha256: str) -> None:
            self.deleting.set()
            await self.go_on.wait()
            await app.state.shelf.keeper.storage.delete(sha256)

    slow: Any = Slow()
    await uploaded(intake, anyone, a_photo())
    place = (await intake.post("/v1/app/uploads", "app:citizen-2", PHOTO)).json()
    async with database.transaction() as tx:
        await tx.execute("UPDATE attachments SET created_at = created_at - interval '2 days' WHERE state = 'stored'")
    sweeping_now = asyncio.create_task(Sweeper(database, slow).turn(datetime.now(UTC), pulse()))
    await slow.deleting.wait()
    meanwhile = await anyone.put(place["url"], content=a_photo())
    slow.go_on.set()
    await sweeping_now
    after = await anyone.put(place["url"], content=a_photo())
    assert (meanwhile.status_code, after.status_code) == (503, 200)
    [left] = await rows(database)
    assert stored_in(tmp_path) == [left["sha256"]]


async def test_a_round_that_crashed_is_finished_by_the_next(
    intake: Asked, anyone: httpx.AsyncClient, database: Database, app: FastAPI, tmp_path: Path
) -> None:
    class Away:
        async def delete(self, sha256: str) -> None:
            raise ConnectionError("the storage does not answer")

    away: Any = Away()
    await uploaded(intake, anyone, a_photo())
    later = datetime.now(UTC) + sweeping.KEEP
    with pytest.raises(ConnectionError):
        await Sweeper(database, away).turn(later, pulse())
    assert [row["state"] for row in await rows(database)] == ["leaving"]
    await Sweeper(database, app.state.shelf.keeper.storage).turn(later, pulse())
    assert (await rows(database), stored_in(tmp_path)) == ([], [])
