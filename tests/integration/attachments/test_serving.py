"""Attachments are listed to those who may see them, and served by signed links."""

import io
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from common.db import Database
from fastapi import FastAPI
from intake.app import create_app
from intake.attachments.files import Files
from intake.attachments.shelf import Shelf
from intake.conversation.heard import FileKind, FileRef
from intake.settings import Settings
from PIL import Image
from workbench.keys import Keys

from tests.builders import service_settings
from tests.integration.attachments.asking import MESSAGE, PHOTO, a_message_with_a_photo, with_photos
from tests.integration.http import Asked, beside
from tests.photos import AZADI, a_photo, a_photo_at_azadi
from tests.platforms import Host, Reply, a_document


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


async def test_without_a_storage_messages_are_taken_and_files_are_503(database: Database, keys: Keys) -> None:
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    intake = Asked(app, keys)
    async with beside(app.state.reception._accept.run()):
        assert (await intake.post("/v1/app/messages", "app", MESSAGE)).status_code == 202
        assert (await with_photos(app, keys, a_photo())).status_code == 503
        assert (await intake.post("/v1/app/uploads", "app", PHOTO)).status_code == 503
    await app.state.service.database.close()
