"""A citizen's own messages: intake's rows, and where routing says that each stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from asyncpg import Record
from common.codes import is_code
from common.db import Transaction
from common.errors import Problem
from common.http import decode_cursor, encode_cursor

from intake.channels.app.own_schemas import OwnMessage

AWAY = "status: cannot be told right now; the messages are as they were received"
SHOWN = ("words", "status", "unit_title", "topic_title", "deadline", "answered_at", "attachments", "may")

_COLUMNS = "code, text, kind, topic, place, occurred_at, received_at"
_NEWEST = f"SELECT {_COLUMNS} FROM messages WHERE citizen = $1 ORDER BY received_at DESC, code DESC LIMIT $2"
_OLDER = f"""
SELECT {_COLUMNS} FROM messages WHERE citizen = $1 AND (received_at, code) < ($3, $4)
ORDER BY received_at DESC, code DESC LIMIT $2
"""
_ONE = f"SELECT {_COLUMNS} FROM messages WHERE code = $1 AND citizen = $2"


async def own_rows(citizen: str | None, cursor: str | None, limit: int, tx: Transaction) -> list[Record]:
    """Up to `limit` + 1 of a citizen's messages, the newest first; a token without a citizen has none."""
    if cursor is None:
        return await tx.fetch(_NEWEST, citizen, limit + 1)
    return await tx.fetch(_OLDER, citizen, limit + 1, *_position(cursor))


async def own_row(code: str, citizen: str | None, tx: Transaction) -> Record:
    """One message; Problem 404 where it is another's, as where there is none."""
    row = await tx.fetchrow(_ONE, code, citizen) if is_code(code) else None
    if row is None:
        raise Problem(404, "None of your messages has this code; check its ten digits.")
    return row


def next_cursor(rows: Sequence[Record], limit: int) -> str | None:
    """The cursor after a page, if there is more."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return encode_cursor(last["received_at"].isoformat(), last["code"])


def as_shown(row: Record, standing: Mapping[str, Any] | None) -> OwnMessage:
    """A message with where it stands; None: that is not known."""
    known = {name: standing[name] for name in SHOWN if name in standing} if standing else {}
    found = {"topic": standing["topic"]} if standing and standing.get("topic") else {}
    return OwnMessage.model_validate(dict(row) | known | found)


def _position(cursor: str) -> tuple[datetime, str]:
    at, code = decode_cursor(cursor, 2)
    try:
        moment = datetime.fromisoformat(at)
        known = moment.utcoffset() is not None and is_code(code)
    except (TypeError, ValueError, AttributeError):
        known = False
    if not known:
        raise Problem(422, "`cursor` is not one that a list gave; leave it out to begin at the start.")
    return moment, code
