"""Once and only once: what was answered to a key is answered again, for 48 hours."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from common.db import Database, Transaction
from common.errors import Problem, is_transient
from common.health import Pulse

from intake.models import FirstAnswer, table

log = logging.getLogger(__name__)
KEEP = timedelta(hours=48)
FORGET_EVERY = 60.0  # seconds
_FORGET = """
DELETE FROM first_answers WHERE key IN (SELECT key FROM first_answers WHERE created_at < $1 LIMIT 5000)
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the caller gets: the code, when, and what to mind."""

    code: str | None
    received_at: datetime
    warnings: Sequence[str] = ()
    replayed: bool = False

    def document(self) -> dict[str, Any]:
        """The answer's JSON."""
        document: dict[str, Any] = {"code": self.code, "received_at": self.received_at}
        return document | {"warnings": list(self.warnings)} if self.warnings else document


@dataclass(frozen=True, slots=True)
class First:
    """The first answer to a key, and the hash of the body that it answered (none: the key alone counts)."""

    body: bytes | None
    receipt: Receipt

    def again(self, body: bytes | None) -> Receipt | Problem:
        """The first answer; 422 when this body is another one."""
        if self.body is not None and body != self.body:
            return Problem(422, "This Idempotency-Key was used with another body; use a new key for a new message.")
        return replace(self.receipt, replayed=True)


async def first_answers(keys: Sequence[bytes], tx: Transaction) -> dict[bytes, First]:
    """What was answered to these keys before."""
    if not keys:
        return {}
    rows = await tx.fetch("SELECT key, body, answer FROM first_answers WHERE key = ANY($1::bytea[])", keys)
    return {row["key"]: First(row["body"], _read(row["answer"])) for row in rows}


async def remember(answers: Mapping[bytes, First], tx: Transaction) -> None:
    """Keep the answers; a key that another replica stored meanwhile fails the group, which is then redone singly."""
    rows = [
        {
            "key": key,
            "body": first.body,
            "answer": orjson.dumps(first.receipt.document()).decode(),
            "created_at": first.receipt.received_at,
        }
        for key, first in answers.items()
    ]
    await tx.insert(table(FirstAnswer), rows)


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


def _read(document: Mapping[str, Any]) -> Receipt:
    received_at = datetime.fromisoformat(document["received_at"])
    return Receipt(document["code"], received_at, tuple(document.get("warnings", ())))
