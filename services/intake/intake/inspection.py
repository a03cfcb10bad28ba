"""What a platform sent that we could not read: kept sealed for a fortnight, so that someone can look."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from common.app import DatabaseOf, service_of
from common.auth import Caller, Require, Role
from common.db import Database
from common.errors import Problem, is_transient
from common.health import Pulse
from common.http import Page, decode_cursor, encode_cursor
from common.idempotency import digest
from common.persian import normalise
from common.sealed import Sealer
from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from intake.models import Base

LONGEST_BODY = 64 * 1024  # bytes
LONGEST_REASON = 500
KEEP = timedelta(days=14)
MOST_KEPT = 5000
EVERY = 60.0  # seconds

_KEEP = "INSERT INTO inspected (id, platform, body, size, reason, at) VALUES ($1, $2, $3, $4, $5, $6)"
_FIRST = """
INSERT INTO first_answers (key, answer, created_at) VALUES ($1, '{}', $2) ON CONFLICT DO NOTHING RETURNING key
"""
_LIST = "SELECT * FROM inspected WHERE id < $1 ORDER BY id DESC LIMIT $2"
_FORGET = """
DELETE FROM inspected WHERE at < $1 OR id <= (SELECT id FROM inspected ORDER BY id DESC OFFSET $2 LIMIT 1)
"""
_NEWEST = UUID(int=2**128 - 1)

router = APIRouter(tags=["inspections"])
Inspector = Annotated[Caller, Depends(Require(Role.SUPERVISOR))]


class Inspected(Base):
    """A payload that was not understood; whoever sent it got its 200."""

    __tablename__ = "inspected"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform: Mapped[str]
    body: Mapped[str]  # ciphertext
    size: Mapped[int]  # bytes, of all of it
    reason: Mapped[str]
    at: Mapped[datetime]


class InspectionOut(BaseModel):
    """A payload that was not understood, and why."""

    id: UUID
    platform: str
    at: AwareDatetime
    reason: str
    size: int
    body: str | None


async def keep(database: Database, sealer: Sealer, platform: str, body: bytes, reason: str, now: datetime) -> None:
    """Store a payload that did not fit, sealed and at most 64 KiB of it; `reason` may hold no personal data."""
    async with database.transaction() as tx:
        await tx.execute(_KEEP, *_row(sealer, platform, body, reason, now))


async def keep_once(
    database: Database, sealer: Sealer, platform: str, reasons: Mapping[bytes, str], now: datetime
) -> None:
    """The same for several payloads, by why they did not fit; one that came before in the last two days is left."""
    async with database.transaction() as tx:
        for body, reason in sorted(reasons.items()):  # one order of locks for every replica
            if await tx.fetchval(_FIRST, digest(platform, sealer.lookup(body.decode())), now):
                await tx.execute(_KEEP, *_row(sealer, platform, body, reason, now))


def _row(sealer: Sealer, platform: str, body: bytes, reason: str, now: datetime) -> tuple[object, ...]:
    text = body[:LONGEST_BODY].decode("utf-8", "backslashreplace")
    return uuid7(), platform, sealer.seal(text), len(body), normalise(reason)[:LONGEST_REASON], now


@router.get("/v1/inspections")
async def get_inspections(
    request: Request,
    caller: Inspector,
    database: DatabaseOf,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[InspectionOut]:
    """What platforms sent that we could not read, the newest first."""
    async with database.transaction() as tx:
        rows = await tx.fetch(_LIST, _position(cursor), limit + 1)
    sealer = service_of(request).sealer
    items = [InspectionOut.model_validate({**row, "body": sealer.readable(row["body"])}) for row in rows[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > limit else None)


def _position(cursor: str | None) -> UUID:
    try:
        return UUID(str(decode_cursor(cursor, 1)[0])) if cursor else _NEWEST
    except ValueError as error:
        raise Problem(422, "`cursor` is not one that a list gave.") from error


async def forget_old(database: Database, pulse: Pulse) -> None:
    """Delete what is older than a fortnight, and the oldest of too many, for as long as the service runs."""
    while True:
        pulse.beat()
        try:
            await forget_once(database, datetime.now(UTC))
            await asyncio.sleep(EVERY)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(1)


async def forget_once(database: Database, now: datetime) -> None:
    """Delete what is too old, or too many."""
    async with database.transaction() as tx:
        await tx.execute(_FORGET, now - KEEP, MOST_KEPT)
