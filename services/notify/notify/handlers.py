"""What notify does with `notifications.v1`: the intent is stored; the sender delivers it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from common.db import Row, Transaction
from common.events import NotificationFailed, NotificationRequested
from uuid_utils.compat import uuid7

from notify.models import Delivery, Due, table
from notify.outcomes import Claimed
from notify.sender import LEASE, Sender
from notify.words import Matrix, parts, render

NO_NUMBER = "no number that can get SMS"
_HANDED = ("id", "code", "told", "means", "phone", "text", "parts", "created_at", "traceparent")
_ONCE = "ON CONFLICT (code, revision, told) DO NOTHING RETURNING localid, id, tellable"


def store_requests_with(
    matrix: Matrix, sender: Sender
) -> Callable[[Sequence[NotificationRequested], Transaction], Awaitable[None]]:
    """The handler that tells by `matrix`; `sender` is handed what was stored."""

    async def store_requests(requested: Sequence[NotificationRequested], tx: Transaction) -> None:
        """One delivery per thing to tell; the same thing published twice is told once."""
        now = datetime.now(UTC)
        rows = {row["id"]: (one, row) for one in requested if (row := _row(one, matrix, now)) is not None}
        stored = await tx.insert(table(Delivery), [row for _, row in rows.values()], then=_ONCE)
        leased = sender.takes(len(stored))
        due = [(localid, rows[one][1]) for localid, one, tellable in stored if tellable]
        await tx.insert(table(Due), [_due(localid, row, leased) for localid, row in due])
        if leased:
            handed = [(row["priority"], _claimed(localid, row)) for localid, row in due]
            tx.afterwards(lambda: sender.hand(handed, now + LEASE))
        tx.publish(*(_failed(*rows[one], now) for _, one, tellable in stored if not tellable))

    return store_requests


def _row(requested: NotificationRequested, matrix: Matrix, now: datetime) -> Row | None:
    telling = matrix.telling(requested)
    if telling is None:
        return None
    text = render(telling.template, requested)
    return {
        "id": uuid7(),
        "code": requested.code,
        "revision": requested.revision,
        "told": requested.told.value,
        "means": telling.means,
        "priority": 0 if requested.urgent else 1,
        "tellable": requested.reply_to.sms,
        "phone": requested.reply_to.phone,
        "text": text,
        "parts": parts(text),
        "created_at": now,
        "traceparent": requested.traceparent,
    }


def _due(localid: int, row: Row, leased: bool) -> Row:
    """Due now; or being sent already, until the lease is over."""
    due_at = row["created_at"] + (LEASE if leased else timedelta(0))
    return {"localid": localid, "priority": row["priority"], "due_at": due_at, "attempts": int(leased)}


def _claimed(localid: int, row: Row) -> Claimed:
    return Claimed(localid, attempts=1, **{name: row[name] for name in _HANDED})


def _failed(requested: NotificationRequested, row: Row, now: datetime) -> NotificationFailed:
    return NotificationFailed(
        at=now,
        code=requested.code,
        notification=row["id"],
        told=requested.told,
        means=row["means"],
        reason=NO_NUMBER,
    )
