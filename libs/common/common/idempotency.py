"""Once and only once: what was answered to a key is answered again, for 48 hours."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi import Request
from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table
from sqlalchemy.dialects.postgresql import JSONB

from common.db import Database, Transaction
from common.errors import FieldError, Problem, is_transient
from common.health import Pulse

KEEP = timedelta(hours=48)
FORGET_EVERY = 60.0  # seconds
LONGEST_KEY = 255
_FORGET = """
DELETE FROM first_answers WHERE key IN (SELECT key FROM first_answers WHERE created_at < $1 LIMIT 5000)
"""
_REMEMBER = """
INSERT INTO first_answers (key, body, answer, created_at)
SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::jsonb[], $4::timestamptz[])
"""


def first_answers_table(metadata: MetaData) -> None:
    """Declare the table in a service's metadata."""
    table = Table(
        "first_answers",
        metadata,
        Column("key", LargeBinary, primary_key=True),  # SHA-256 of caller, route and key
        Column("body", LargeBinary),  # SHA-256; null where the platform's own id is the key
        Column("answer", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
    )
    Index("first_answers_created_at", table.c.created_at)


@dataclass(frozen=True, slots=True)
class First:
    """The first answer to a key, and the hash of the body that it answered (none: the key alone counts)."""

    body: bytes | None
    answer: Mapping[str, Any]

    def clash(self, body: bytes | None) -> Problem | None:
        """422 when the same key comes with another body."""
        if self.body is None or body == self.body:
            return None
        return Problem(422, "This Idempotency-Key was used with another body; use a new key for a new request.")


@dataclass(frozen=True, slots=True)
class Key:
    """An `Idempotency-Key` scoped to its caller and route, with the hash of the body."""

    key: bytes
    body: bytes | None = None


def digest(*parts: str) -> bytes:
    """A key that shows nothing of what it is made of: SHA-256."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()


async def key_of(request: Request, subject: str, *, body: bytes | None = None) -> Key | None:
    """The request's `Idempotency-Key`, if it has one; 422 when it is too long. `body` stands for one that is not
    the same twice."""
    text = request.headers.get("idempotency-key")
    if text is None:
        return None
    if not 0 < len(text) <= LONGEST_KEY:
        raise Problem(422, "Idempotency-Key does not fit.", [FieldError("", f"1-{LONGEST_KEY} characters")])
    return Key(
        digest(subject, request.scope["path"], text),
        hashlib.sha256(await request.body() if body is None else body).digest(),
    )


async def first_answers(keys: Sequence[bytes], tx: Transaction) -> dict[bytes, First]:
    """What was answered to these keys before."""
    if not keys:
        return {}
    rows = await tx.fetch("SELECT key, body, answer FROM first_answers WHERE key = ANY($1::bytea[])", keys)
    return {row["key"]: First(row["body"], row["answer"]) for row in rows}


async def first_answer(key: Key | None, tx: Transaction) -> First | None:
    """What was answered to one key before; who asks with it meanwhile waits here until that answer is committed."""
    if key is None:
        return None
    await tx.execute(
        "SELECT pg_advisory_xact_lock(('x' || left(encode($1::bytea, 'hex'), 16))::bit(64)::bigint)", key.key
    )
    return (await first_answers([key.key], tx)).get(key.key)


async def remember(answers: Mapping[bytes, First], tx: Transaction) -> None:
    """Keep the answers; a key that another replica stored meanwhile fails the transaction."""
    if not answers:
        return
    now = datetime.now(UTC)
    firsts = list(answers.values())
    documents = [orjson.dumps(dict(first.answer)).decode() for first in firsts]
    await tx.execute(_REMEMBER, list(answers), [first.body for first in firsts], documents, [now] * len(firsts))


async def forget_old(database: Database, pulse: Pulse) -> None:
    """Delete what is older than 48 hours, in small bites, for as long as the service runs."""
    while True:
        pulse.beat()
        try:
            async with database.transaction() as tx:
                gone = await tx.execute(_FORGET, datetime.now(UTC) - KEEP)
            await asyncio.sleep(0 if gone.endswith(" 5000") else FORGET_EVERY)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(1)
