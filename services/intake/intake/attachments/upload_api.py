"""The routes of uploads: a place for the app's citizen, and the signed link to which the bytes go."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from common.auth import Caller, Require, Role
from common.http import json_answer, json_body, parse
from common.idempotency import First, first_answer, key_of, remember
from fastapi import APIRouter, Depends, Request, Response

from intake.attachments import uploads
from intake.attachments.content import LARGEST
from intake.attachments.files import owner_of
from intake.attachments.links import WRITE_FOR, Given
from intake.attachments.schemas import Stored, UploadIn, UploadLink
from intake.attachments.shelf import ShelfOf
from intake.reception import admit

router = APIRouter(tags=["app"])
AppCaller = Annotated[Caller, Depends(Require(Role.APP))]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": "Problem"} for status in (401, 403, 404, 408, 409, 410, 413)
}
_BODY = {"requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}}


@router.post(
    "/v1/app/uploads",
    status_code=201,
    responses={201: {"model": UploadLink}, 429: {"description": "Problem"}},
    openapi_extra=json_body(UploadIn),
)
async def post_upload(request: Request, caller: AppCaller, shelf: ShelfOf) -> Response:
    """A place for a file of up to 10 MB, and the link to which its bytes are put."""
    admit(request, caller, caller.citizen)
    key = await key_of(request, caller.person)
    wanted = await parse(request, UploadIn)
    owner = owner_of(caller, shelf.files.sealer)
    until, database = datetime.now(UTC) + WRITE_FOR, shelf.keeper.database
    async with database.transaction() as tx:
        first = await first_answer(key, tx)
        if first is not None:
            return _again(first, key.body if key else None)
        place = await uploads.open_place(owner, uploads.Facts(wanted.media_type, wanted.size), tx)
        answer = {"id": str(place), "url": shelf.links.make("uploads", place, until), "expires_at": until.isoformat()}
        if key is not None:
            await remember({key.key: First(key.body, answer)}, tx)
    return json_answer(answer, 201)


def _again(first: First, body: bytes | None) -> Response:
    if (clash := first.clash(body)) is not None:
        raise clash
    return json_answer(dict(first.answer), 201, {"Idempotency-Replayed": "true"})


@router.put("/v1/uploads/{upload}", responses={200: {"model": Stored}, **_PROBLEMS}, openapi_extra=_BODY)
async def put_upload(
    request: Request, upload: str, shelf: ShelfOf, expires: str | None = None, signature: str | None = None
) -> Response:
    """Put the bytes of a file, as they are; sent twice it counts once. No token is asked for."""
    place = shelf.links.check("uploads", upload, given=Given(expires, signature), now=datetime.now(UTC))
    keeper = shelf.keeper
    stored = await uploads.state_of(place, keeper.database)
    if stored is None:
        async with shelf.hands:
            stored = await uploads.put(place, await _read(request), keeper)
    return json_answer({"id": str(place), "media_type": stored.media_type, "size": stored.size})


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(uploads.SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST:
                    raise uploads.too_large()
    except TimeoutError as error:
        raise uploads.too_slow() from error
    return bytes(body)
