"""Attachments read back: the list of a message for those who may see it, the bytes for who holds a signed link."""

from datetime import UTC, datetime
from typing import Annotated, Any

from common.app import DatabaseOf
from common.auth import Caller, Require, Role
from common.codes import is_code
from common.db import Database
from common.errors import Problem
from common.http import Page
from fastapi import APIRouter, Depends, Request, Response

from intake.api import Code, may_see
from intake.attachments.links import READ_FOR, Given, Links
from intake.attachments.models import State
from intake.attachments.schemas import AttachmentOut
from intake.attachments.shelf import ShelfOf
from intake.routing_client import RoutingClient

router = APIRouter(tags=["attachments"])
Reader = Annotated[
    Caller, Depends(Require(Role.APP, Role.BOT, Role.OPERATOR, Role.STAFF, Role.SUPERVISOR, Role.SERVICE))
]
NO_MESSAGE = "No message has this code; check its ten digits."
ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "application/pdf": "pdf",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"description": "Problem"} for status in (401, 403, 404, 410)}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes", "content": {kind: {"schema": {"type": "string"}} for kind in ENDINGS}}
}
_LIST = "SELECT * FROM attachments WHERE code = $1 ORDER BY position"


@router.get("/v1/messages/{code}/attachments", responses={404: {"description": "Problem"}})
async def get_attachments(
    request: Request, code: Code, caller: Reader, database: DatabaseOf, shelf: ShelfOf
) -> Page[AttachmentOut]:
    """What came with a message, with links that are good for fifteen minutes; staff see what their cases have."""
    await _allow(request, code, caller, database)
    async with database.transaction() as tx:
        rows = await tx.fetch(_LIST, code)
    now = datetime.now(UTC)
    return Page(items=[_out(row, shelf.links, now) for row in rows])


@router.get("/v1/attachments/{attachment}", response_class=Response, responses=_PROBLEMS | _BYTES)
async def get_attachment(
    attachment: str, database: DatabaseOf, shelf: ShelfOf, expires: str | None = None, signature: str | None = None
) -> Response:
    """The bytes of an attachment, for who holds its link; no token is asked for."""
    now = datetime.now(UTC)
    found = shelf.links.check("attachments", attachment, given=Given(expires, signature), now=now)
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT * FROM attachments WHERE id = $1 AND state = $2", found, State.STORED.value)
    data = await shelf.keeper.storage.open(row["sha256"]) if row else None
    if row is None or data is None:
        raise Problem(404, "This attachment is not there any more.")
    return Response(data, headers=_headers(row, int(expires or 0) - int(now.timestamp())), media_type=row["media_type"])


def _headers(row: Any, seconds: int) -> dict[str, str]:
    """A browser saves it, and neither guesses what it is nor runs it; nobody between us keeps it."""
    return {
        "Content-Disposition": f'attachment; filename="{row["id"]}.{ENDINGS[row["media_type"]]}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": f"private, max-age={max(0, seconds)}",
    }


async def _allow(request: Request, code: str, caller: Caller, database: Database) -> None:
    """Problem 404 for who may not know of the message. Whose case it is routing knows, so staff are asked there."""
    async with database.transaction() as tx:
        row = (
            await tx.fetchrow("SELECT citizen, taken_by FROM messages WHERE code = $1", code) if is_code(code) else None
        )
    if row is None:
        raise Problem(404, NO_MESSAGE)
    if may_see(caller, row):
        return
    if not caller.has(Role.STAFF):
        raise Problem(404, NO_MESSAGE)
    routing: RoutingClient = request.app.state.routing
    await routing.get_as(request.headers["authorization"], f"/v1/cases/{code}")


def _out(row: Any, links: Links, now: datetime) -> AttachmentOut:
    until = now + READ_FOR
    stored = row["state"] == State.STORED
    link = {"url": links.make("attachments", row["id"], until), "expires_at": until} if stored else {}
    told = {"reason": row["reason"] if row["state"] in (State.REFUSED, State.GONE) else None}
    return AttachmentOut.model_validate(dict(row) | {"url": None, "expires_at": None} | link | told)
