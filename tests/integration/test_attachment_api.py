"""Attachments over HTTP: uploaded by link or with the message, listed to those who may see them, served by link."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from common.app import Service
from common.db import Database
from common.health import Pulse
from fastapi import FastAPI
from intake.app import create_app
from intake.attachments import sweeping, uploads
from intake.attachments.files import Files
from intake.attachments.shelf import Shelf
from intake.attachments.sweeping import Sweeper
from intake.conversation.heard import FileKind, FileRef
from intake.settings import Settings
from PIL import Image
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, service_settings
from tests.integration.http import Asked, beside
from tests.photos import AZADI, a_noisy_photo, a_photo, a_photo_at_azadi
from tests.platforms import Host, Reply, a_document

MESSAGE = {"text": "چراغ محله خاموش است"}
PHOTO = {"media_type": "image/jpeg", "size": 1000}


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@pytest.fixture
async def routing() -> AsyncIterator[Host]:
    async with Host() as made:
        yield made


@pytest.fixture
async def app(database: Database, keys: Keys, routing: Host, tmp_path: Path) -> AsyncIterator[FastAPI]:
    settings = service_settings(database.address, keys) | {"routing_url": routing.url, "files_folder": tmp_path}
    made = create_app(Settings.model_construct(None, **settings))
    service: Service = made.state.service
    async with beside(made.state.reception._accept.run()):
        yield made
    await service.database.close()


@pytest.fixture
def intake(app: FastAPI, keys: Keys) -> Asked:
    return Asked(app, keys)


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


async def rows(database: Database) -> list[Any]:
    async with database.transaction() as tx:
        return await tx.fetch("SELECT * FROM attachments ORDER BY code, position, created_at")


def stored_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def uploaded(intake: Asked, anyone: httpx.AsyncClient, data: bytes, who: str = "app") -> str:
    place = (await intake.post("/v1/app/uploads", who, PHOTO)).json()
    answer = await anyone.put(place["url"], content=data)
    assert answer.status_code == 200, answer.text
    return str(place["id"])


async def a_message_with_a_photo(intake: Asked, anyone: httpx.AsyncClient, data: bytes) -> str:
    upload = await uploaded(intake, anyone, data)
    answer = await intake.post("/v1/app/messages", "app", MESSAGE | {"attachments": [upload]})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["code"])


async def test_a_photo_goes_by_link_and_comes_back_by_link_as_a_picture_alone(
    intake: Asked, anyone: httpx.AsyncClient, database: Database
) -> None:
    code = await a_message_with_a_photo(intake, anyone, a_photo_at_azadi())
    [listed] = (await intake.get(f"/v1/messages/{code}/attachments", "operator")).json()["items"]
    assert (listed["state"], listed["kind"], listed["media_type"]) == ("stored", "photo", "image/jpeg")
    assert (listed["lat"], listed["lon"]) == AZADI
    served = await anyone.get(listed["url"])
    assert served.status_code == 200
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["content-disposition"] == f'attachment; filename="{listed["id"]}.jpg"'
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["cache-control"].startswith("private, max-age=")
    assert len(served.content) == listed["size"]
    with Image.open(io.BytesIO(served.content)) as image:
        assert not image.getexif()
    async with database.transaction() as tx:
        body = await tx.fetchval("SELECT body FROM outbox WHERE key = $1", code)
    assert json.loads(body)["attachments"] == 1


async def test_a_link_that_was_changed_is_403_without_one_401_and_an_old_one_410(
    intake: Asked, anyone: httpx.AsyncClient, app: FastAPI
) -> None:
    code = await a_message_with_a_photo(intake, anyone, a_photo())
    [listed] = (await intake.get(f"/v1/messages/{code}/attachments", "operator")).json()["items"]
    shelf: Shelf = app.state.shelf
    old = shelf.links.make("attachments", UUID(listed["id"]), datetime.now(UTC) - timedelta(seconds=1))
    other = listed["url"].replace(listed["id"], "01900000-0000-7000-8000-000000000001")
    bare = listed["url"].partition("?")[0]
    answers = [await anyone.get(url) for url in (f"{listed['url']}0", other, bare, old)]
    assert [answer.status_code for answer in answers] == [403, 403, 401, 410]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


async def test_who_may_see_what_came_with_a_message(intake: Asked, anyone: httpx.AsyncClient, routing: Host) -> None:
    code = await a_message_with_a_photo(intake, anyone, a_photo())
    path = f"/v1/messages/{code}/attachments"
    routing.at[f"/v1/cases/{code}"] = [a_document({"code": code}), a_document({"detail": "No case."}, 404)]
    own, others = await intake.get(path, "app"), await intake.get(path, "app:citizen-2")
    theirs, not_theirs = await intake.get(path, "staff:region-5"), await intake.get(path, "staff:region-6")
    assert [answer.status_code for answer in (own, others, theirs, not_theirs)] == [200, 404, 200, 404]
    assert len(theirs.json()["items"]) == 1
    assert all(heard["authorization"].startswith("Bearer ") for heard in routing.heard)
    assert (await intake.get(path, "supervisor")).status_code == 200
    assert (await intake.get("/v1/messages/0000000001/attachments", "operator")).status_code == 404
    assert len(routing.asked) == 2


async def test_staff_get_503_while_routing_cannot_say_whose_case_it_is(
    intake: Asked, anyone: httpx.AsyncClient, routing: Host
) -> None:
    code = await a_message_with_a_photo(intake, anyone, a_photo())
    routing.at[f"/v1/cases/{code}"] = Reply(status=500)
    assert (await intake.get(f"/v1/messages/{code}/attachments", "staff:region-5")).status_code == 503


async def test_what_waits_and_what_was_refused_is_listed_without_a_link(
    intake: Asked, database: Database, app: FastAPI
) -> None:
    code = (await intake.post("/v1/app/messages", "app", MESSAGE)).json()["code"]
    files: Files = app.state.shelf.files
    async with database.transaction() as tx:
        await files.note(code, "bale", [FileRef(FileKind.VOICE, str(n)) for n in range(6)], tx)
    listed = (await intake.get(f"/v1/messages/{code}/attachments", "operator")).json()["items"]
    assert [one["state"] for one in listed] == ["waiting"] * 5 + ["refused"]
    assert {one["url"] for one in listed} == {None}
    assert [one["reason"] is None for one in listed] == [True] * 5 + [False]


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


async def with_photos(
    app: FastAPI, keys: Keys, *photos: bytes, message: Any = MESSAGE, key: str | None = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {keys.token('app', citizen='citizen-1')}"}
    parts = [("photo", (f"{n}.jpg", photo, "image/jpeg")) for n, photo in enumerate(photos)]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.post(
            "/v1/app/messages",
            data={"message": message if isinstance(message, str) else json.dumps(message)},
            files=parts,
            headers=headers | ({"Idempotency-Key": key} if key else {}),
        )


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
    assert [row["code"] for row in await rows(database) if row["code"]] == [first.json()["code"]]


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


def pulse() -> Pulse:
    return Pulse("sweep uploads")


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


async def test_without_a_storage_messages_are_taken_and_files_are_503(database: Database, keys: Keys) -> None:
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    intake = Asked(app, keys)
    async with beside(app.state.reception._accept.run()):
        assert (await intake.post("/v1/app/messages", "app", MESSAGE)).status_code == 202
        assert (await with_photos(app, keys, a_photo())).status_code == 503
        assert (await intake.post("/v1/app/uploads", "app", PHOTO)).status_code == 503
    await app.state.service.database.close()
