"""A message and its photos in one body."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common.db import Database
from fastapi import FastAPI
from intake.attachments.keeping import Keeper
from intake.attachments.storage import FolderStorage
from intake.attachments.sweeping import Sweeper
from intake.attachments.uploads import MOST_UNTIED
from workbench.keys import Keys

from tests.integration.attachments.asking import MESSAGE, pulse, rows, with_photos
from tests.integration.http import Asked
from tests.photos import AZADI, a_noisy_photo, a_photo, a_photo_at_azadi


async def test_a_message_brings_its_photos_in_one_body(
    app: FastAPI, keys: Keys, intake: Asked, database: Database
) -> None:
    answer = await with_photos(app, keys, a_photo_at_azadi("green"), a_photo("red"))
    assert answer.status_code == 202, answer.text
    code = answer.json()["code"]
    listed = (await intake.get(f"/v1/messages/{code}/attachments", "app")).json()["items"]
    assert [one["state"] for one in listed] == ["stored", "stored"]
    assert [one["lat"] for one in listed] == [AZADI[0], None]


async def test_a_body_with_photos_that_is_sent_again_is_one_message(
    app: FastAPI, keys: Keys, database: Database
) -> None:
    first = await with_photos(app, keys, a_photo(), key="a")
    again = await with_photos(app, keys, a_photo(), key="a")
    other = await with_photos(app, keys, a_photo("red"), key="a")
    assert again.json() == first.json()
    assert other.status_code == 422
    assert [row["code"] for row in await rows(database)] == [first.json()["code"]]


@pytest.mark.parametrize(
    ("photos", "message", "pointer"),
    [
        ([b"<html>"], MESSAGE, "/photo/0"),
        ([a_photo(), b"\xff\xd8\xff"], MESSAGE, "/photo/1"),
        ([a_photo()] * 6, MESSAGE, "/photo"),
        ([a_photo()], {"text": ""}, "/text"),
        ([a_photo()], {"text": "x", "place": {"lat": 99, "lon": 51}}, "/place/lat"),
        ([a_photo()], "nonsense", ""),
    ],
)
async def test_a_part_that_does_not_fit_is_named_and_nothing_is_accepted(
    app: FastAPI, keys: Keys, database: Database, photos: list[bytes], message: Any, pointer: str
) -> None:
    answer = await with_photos(app, keys, *photos, message=message)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await rows(database) == []


async def test_photos_of_a_message_that_was_refused_take_no_place_from_the_next(
    app: FastAPI, keys: Keys, database: Database
) -> None:
    unknown = MESSAGE | {"attachments": [str(uuid4())]}
    for _ in range(MOST_UNTIED // 4 + 1):
        assert (await with_photos(app, keys, *[a_photo()] * 4, message=unknown)).status_code == 422
    assert (await with_photos(app, keys, a_photo())).status_code == 202
    keeper: Keeper = app.state.shelf.keeper
    await Sweeper(database, keeper.storage).turn(datetime.now(UTC), pulse())
    assert [row["state"] for row in await rows(database)] == ["stored"]


async def test_a_storage_that_was_away_for_long_takes_no_place_either(
    app: FastAPI, keys: Keys, database: Database, tmp_path: Path
) -> None:
    keeper: Keeper = app.state.shelf.keeper
    there, keeper.storage = keeper.storage, Away(tmp_path)
    for _ in range(MOST_UNTIED + 1):
        assert (await with_photos(app, keys, a_photo(), key="a")).status_code == 503
    keeper.storage = there
    assert (await with_photos(app, keys, a_photo(), key="a")).status_code == 202


class Away(FolderStorage):
    """A storage that does not answer."""

    async def put(self, sha256: str, data: bytes) -> None:
        raise ConnectionRefusedError(sha256)


@pytest.mark.parametrize(("name", "file_name"), [("photos", "1.jpg"), ("photo[]", "1.jpg"), ("photo", None)])
async def test_a_photo_under_another_name_is_named_and_does_not_vanish(
    app: FastAPI, keys: Keys, name: str, file_name: str | None
) -> None:
    headers = {"Authorization": f"Bearer {keys.token('app', citizen='citizen-1')}"}
    parts: Any = [("message", ("message.json", json.dumps(MESSAGE))), (name, (file_name, a_photo()))]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        answer = await client.post("/v1/app/messages", files=parts, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"nonsense"),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="message"\r\n\r\n{'),
    ],
)
async def test_a_broken_multipart_body_is_422(app: FastAPI, keys: Keys, content_type: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {keys.token('app', citizen='citizen-1')}", "Content-Type": content_type}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        answer = await client.post("/v1/app/messages", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_photos_may_have_ten_megabytes_together_but_a_message_alone_64_kib(
    app: FastAPI, keys: Keys, intake: Asked
) -> None:
    assert (await intake.post("/v1/app/messages", "app", {"text": "x" * 70_000})).status_code == 413
    photo = a_noisy_photo((1600, 1600))
    assert len(photo) > 1024 * 1024
    assert (await with_photos(app, keys, photo)).status_code == 202
    assert (await with_photos(app, keys, b"x" * (10 * 1024 * 1024))).status_code == 413
