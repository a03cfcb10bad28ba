"""A message and its photos in one multipart body: the photos become uploads of the citizen's, and go on as these."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from common.auth import Caller
from common.errors import FieldError, Problem, invalid
from common.events import Channel
from common.idempotency import Key, first_answers, key_of
from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from intake.attachments import uploads
from intake.attachments.content import Content
from intake.attachments.files import MOST, owner_of
from intake.attachments.shelf import Shelf, shelf_of
from intake.attachments.types import Refused
from intake.channels.app.near import chosen
from intake.channels.app.schemas import AppMessage
from intake.contact import Origin
from intake.reception import admit

MULTIPART = "multipart/form-data"
BODY_LIMIT = 10 * 1024 * 1024  # bytes of the whole; what is larger goes by upload links
MESSAGE_LIMIT = 64 * 1024  # bytes of the part `message`


@dataclass(frozen=True, slots=True)
class Parts:
    """What the body holds."""

    message: bytes
    photos: Sequence[bytes]

    def fingerprint(self) -> bytes:
        """What makes the body the same when it is sent again; the boundary between its parts differs every time."""
        return b"".join(hashlib.sha256(part).digest() for part in (self.message, *self.photos))


@dataclass(frozen=True, slots=True)
class Taken:
    """A message whose photos are stored."""

    message: AppMessage
    origin: Origin
    photos: Sequence[UUID]

    @property
    def uploads(self) -> Sequence[UUID]:
        """Those that the message names, and its photos."""
        return [*self.message.attachments, *self.photos]


def with_photos(body: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` of a route that takes its JSON also as the part `message` beside parts `photo`."""
    content = body["requestBody"]["content"]
    photos = {"type": "array", "maxItems": MOST, "items": {"type": "string", "format": "binary"}}
    message = {"$ref": f"#/components/schemas/{content['application/json']['schema']['title']}"}
    parts = {"message": message, "photo": photos}
    schema = {"type": "object", "required": ["message"], "properties": parts}
    return {"requestBody": {"required": True, "content": content | {MULTIPART: {"schema": schema}}}}


def is_multipart(request: Request) -> bool:
    """Whether photos come with the message, in its body."""
    return request.headers.get("content-type", "").lower().startswith(MULTIPART)


async def take(request: Request, caller: Caller) -> Taken:
    """Read the parts and store the photos; Problem 422 names the part that is not taken, and nothing is accepted."""
    admit(request, caller, caller.citizen)
    shelf = await shelf_of(request)
    async with shelf.hands:
        parts = await _parts_of(request)
        message = _message(parts)
        origin = chosen(Origin(Channel.APP, caller, account=caller.citizen), message, shelf.files.sealer)
        key = await key_of(request, caller.person, body=parts.fingerprint())
        stored = [] if await _answered(key, shelf) else await _store(parts, owner_of(caller, shelf.files.sealer), shelf)
    if key is not None:
        origin = replace(origin, key=key.key, body=key.body)
    return Taken(message, origin, stored)


async def _parts_of(request: Request) -> Parts:
    most = MOST + 1  # the message may be sent as a file too
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=most, max_fields=1, max_part_size=MESSAGE_LIMIT
    )
    parser.spool_max_size = BODY_LIMIT  # in memory: there may be no disk to write to
    try:
        async with asyncio.timeout(uploads.SECONDS):
            form = await parser.parse()
    except TimeoutError as error:
        raise uploads.too_slow() from error
    except MultiPartException as error:
        raise Problem(422, f"The multipart body does not fit: {error.message}") from error
    try:
        _refuse_strangers(form)
        photos = [await photo.read() for photo in form.getlist("photo") if isinstance(photo, UploadFile)]
        return Parts(await _message_part(form), photos)
    finally:
        await form.close()


def _refuse_strangers(form: FormData) -> None:
    """Problem 422 for parts that nobody would read: a photo under another name must not vanish."""
    strangers = [name for name, part in form.multi_items() if not _is_taken(name, part)]
    if strangers:
        told = [
            FieldError(f"/{name}", "not taken: the parts are one `message` and files `photo`") for name in strangers
        ]
        raise Problem(422, "The multipart body does not fit.", told)


def _is_taken(name: str, part: UploadFile | str) -> bool:
    return name == "message" or (name == "photo" and isinstance(part, UploadFile))


async def _message_part(form: FormData) -> bytes:
    part = form.get("message")
    if part is None:
        raise Problem(422, "The multipart body does not fit.", [FieldError("/message", "the message, as JSON")])
    return await part.read() if isinstance(part, UploadFile) else part.encode()


def _message(parts: Parts) -> AppMessage:
    try:
        message = AppMessage.model_validate_json(parts.message)
    except ValidationError as error:
        raise invalid(error) from error
    if len(message.attachments) + len(parts.photos) > MOST:
        raise Problem(422, "Too many files.", [FieldError("/photo", f"at most {MOST} files with a message")])
    return message


async def _content(shelf: Shelf, n: int, photo: bytes) -> Content:
    try:
        return await shelf.keeper.read(photo)
    except Refused as refused:
        raise uploads.refusal(refused, f"/photo/{n}") from refused


async def _answered(key: Key | None, shelf: Shelf) -> bool:
    """Whether this came before, so that its photos need not be stored again; the accept has the last word."""
    if key is None:
        return False
    async with shelf.keeper.database.transaction() as tx:
        return bool(await first_answers([key.key], tx))


async def _store(parts: Parts, owner: str, shelf: Shelf) -> list[UUID]:
    """All photos are read before the first is stored."""
    contents = [await _content(shelf, n, photo) for n, photo in enumerate(parts.photos)]
    stored: list[UUID] = []
    async with uploads.for_a_message(stored, shelf.keeper.database):
        for content in contents:
            stored.append(await _place(content, owner, shelf))
            await shelf.keeper.keep(stored[-1], content)
    return stored


async def _place(content: Content, owner: str, shelf: Shelf) -> UUID:
    facts = uploads.Facts(content.media_type, len(content.data))
    async with shelf.keeper.database.transaction() as tx:
        return await uploads.open_place(owner, facts, tx)
