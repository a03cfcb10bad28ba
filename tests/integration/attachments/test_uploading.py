"""Uploads of the app by link, and the message that names them."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from common.db import Database
from intake.attachments import uploads

from tests.integration.attachments.asking import MESSAGE, PHOTO, rows, uploaded
from tests.integration.http import Asked
from tests.photos import a_photo


async def test_a_message_cannot_take_what_another_citizen_uploaded(
    intake: Asked, anyone: httpx.AsyncClient, database: Database
) -> None:
    theirs = await uploaded(intake, anyone, a_photo(), "app:citizen-2")
    waiting = (await intake.post("/v1/app/uploads", "app", PHOTO)).json()["id"]
    for upload in (theirs, waiting, "01900000-0000-7000-8000-000000000001"):
        answer = await intake.post("/v1/app/messages", "app", MESSAGE | {"attachments": [upload]})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/attachments/0"
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM messages") == 0


async def test_a_message_that_is_sent_again_keeps_its_photo_and_adds_none(
    intake: Asked, anyone: httpx.AsyncClient, database: Database
) -> None:
    upload = await uploaded(intake, anyone, a_photo())
    body = MESSAGE | {"attachments": [upload]}
    first = await intake.post("/v1/app/messages", "app", body, Idempotency_Key="a")
    again = await intake.post("/v1/app/messages", "app", body, Idempotency_Key="a")
    assert again.json() == first.json()
    assert [row["code"] for row in await rows(database)] == [first.json()["code"]]


@pytest.mark.parametrize("attachments", [["nonsense"], [str(UUID(int=1))] * 2, [str(UUID(int=n)) for n in range(6)]])
async def test_a_list_of_uploads_that_does_not_fit_is_named(intake: Asked, attachments: list[str]) -> None:
    answer = await intake.post("/v1/app/messages", "app", MESSAGE | {"attachments": attachments})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/attachments")


async def test_an_upload_link_takes_ten_megabytes_and_no_more(intake: Asked, anyone: httpx.AsyncClient) -> None:
    place = (await intake.post("/v1/app/uploads", "app", PHOTO)).json()
    large = b"%PDF-" + b"\0" * (10 * 1024 * 1024 - 5)
    assert (await anyone.put(place["url"], content=large + b"\0")).status_code == 413

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"%PDF-" + b"\0" * (1024 * 1024 - 5)

    assert (await anyone.put(place["url"], content=in_pieces())).status_code == 413
    assert (await anyone.put(place["url"], content=large)).json()["size"] == len(large)


async def test_an_upload_is_what_its_content_says(intake: Asked, anyone: httpx.AsyncClient) -> None:
    place = (await intake.post("/v1/app/uploads", "app", PHOTO)).json()
    page = await anyone.put(place["url"], content=b"<html>", headers={"Content-Type": "image/jpeg"})
    assert (page.status_code, page.headers["content-type"]) == (422, "application/problem+json")
    assert (await anyone.put(place["url"], content=a_photo())).status_code == 409
    other = await intake.post("/v1/app/uploads", "app", {"media_type": "text/html", "size": 10})
    assert other.json()["errors"][0]["pointer"] == "/media_type"


async def test_an_upload_that_is_put_twice_counts_once(
    intake: Asked, anyone: httpx.AsyncClient, database: Database
) -> None:
    place = (await intake.post("/v1/app/uploads", "app", PHOTO)).json()
    first, again = [await anyone.put(place["url"], content=a_photo()) for _ in range(2)]
    assert again.json() == first.json()
    assert len(await rows(database)) == 1


async def test_a_link_to_upload_is_not_one_to_read(intake: Asked, anyone: httpx.AsyncClient) -> None:
    place = (await intake.post("/v1/app/uploads", "app", PHOTO)).json()
    await anyone.put(place["url"], content=a_photo())
    assert (await anyone.get(place["url"].replace("/uploads/", "/attachments/"))).status_code == 403


async def test_the_same_key_gives_the_same_place(intake: Asked, database: Database) -> None:
    first = await intake.post("/v1/app/uploads", "app", PHOTO, Idempotency_Key="a")
    again = await intake.post("/v1/app/uploads", "app", PHOTO, Idempotency_Key="a")
    other = await intake.post("/v1/app/uploads", "app", PHOTO | {"size": 2}, Idempotency_Key="a")
    assert (first.status_code, again.json()) == (201, first.json())
    assert other.status_code == 422
    assert len(await rows(database)) == 1


async def test_a_citizen_has_so_many_uploads_that_wait_and_no_more(intake: Asked) -> None:
    for _ in range(uploads.MOST_UNTIED):
        assert (await intake.post("/v1/app/uploads", "app", PHOTO)).status_code == 201
    refused = await intake.post("/v1/app/uploads", "app", PHOTO)
    assert refused.status_code == 429
    assert refused.headers["retry-after"]
    assert (await intake.post("/v1/app/uploads", "app:citizen-2", PHOTO)).status_code == 201
