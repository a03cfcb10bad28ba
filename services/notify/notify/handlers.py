"""What notify does with `notifications.v1`: the intent is stored; the senders deliver it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from common.db import Row, Transaction
from common.events import NotificationFailed, NotificationRequested, Prompt, PromptRequested, Told
from uuid_utils.compat import uuid7

from notify.means import NO_NUMBER, SMS, Reach, Way
from notify.models import Delivery, Due, table
from notify.outcomes import PROMPT_GIVE_UP, Claimed
from notify.post_office import PostOffice
from notify.prompts import BY_CHANNEL, Prompts
from notify.sender import LEASE
from notify.words import Matrix, parts, render

ANSWERABLE = frozenset({Told.DONE, Told.NO_ACTION})  # a messenger shows buttons for 31 and 33
_HANDED = ("id", "code", "told", "means", "phone", "text", "parts", "created_at", "traceparent", "account", "offer")
_ONCE = "ON CONFLICT (code, revision, told) DO NOTHING RETURNING localid, id, tellable"
_PROMPT_ONCE = "ON CONFLICT (id) WHERE code IS NULL DO NOTHING RETURNING localid, id, tellable"
Stored = tuple[Row, Way]


def store_requests_with(
    matrix: Matrix, office: PostOffice
) -> Callable[[Sequence[NotificationRequested], Transaction], Awaitable[None]]:
    """The handler that tells by `matrix`; the senders of `office` are handed what was stored."""

    async def store_requests(requested: Sequence[NotificationRequested], tx: Transaction) -> None:
        """One delivery per thing to tell; the same thing published twice is told once."""
        now = datetime.now(UTC)
        rows: dict[UUID, tuple[NotificationRequested, Row, Way]] = {}
        for one in requested:
            if (made := _row(one, matrix, office.reach, now)) is not None:
                rows[made[0]["id"]] = (one, *made)
        stored = await tx.insert(table(Delivery), [row for _, row, _ in rows.values()], then=_ONCE)
        tellable = [(localid, *rows[one][1:]) for localid, one, tellable in stored if tellable]
        await _make_due(tellable, office, tx, now)
        failed = [rows[one] for _, one, tellable in stored if not tellable]
        tx.publish(*(_failed(one, row, now) for one, row, _ in failed))

    return store_requests


def ask_with(
    prompts: Prompts, office: PostOffice
) -> Callable[[Sequence[PromptRequested], Transaction], Awaitable[None]]:
    """The handler of what is said outside a case."""

    async def ask(requested: Sequence[PromptRequested], tx: Transaction) -> None:
        """One delivery per prompt; what cannot reach its citizen is stored and not said."""
        now = datetime.now(UTC)
        rows = {one.id: _prompt(one, prompts, office.reach, now) for one in requested}
        stored = await tx.insert(table(Delivery), [row for row, _ in rows.values()], then=_PROMPT_ONCE)
        await _make_due([(localid, *rows[one]) for localid, one, tellable in stored if tellable], office, tx, now)

    return ask


async def _make_due(stored: Sequence[tuple[int, Row, Way]], office: PostOffice, tx: Transaction, now: datetime) -> None:
    """SMS are handed over in memory where the sender takes them; by other means all are found in the table."""
    sms = [(localid, row) for localid, row, way in stored if way.means == SMS]
    leased = office.sms.takes(len(sms))
    await tx.insert(table(Due), [_due(localid, row, way, leased and way.means == SMS) for localid, row, way in stored])
    if leased:
        handed = [(row["priority"], _claimed(localid, row)) for localid, row in sms]
        tx.afterwards(lambda: office.sms.hand(handed, now + LEASE))
    others = {way.means for _, _, way in stored} - {SMS}
    if others:
        tx.afterwards(lambda: office.wake(others))


def _row(requested: NotificationRequested, matrix: Matrix, reach: Reach, now: datetime) -> Stored | None:
    telling = matrix.telling(requested)
    if telling is None:
        return None
    way = reach.way(telling.means, requested.reply_to, requested.platform, requested.code)
    about = {
        "id": uuid7(),
        "code": requested.code,
        "revision": requested.revision,
        "told": requested.told.value,
        "priority": 0 if requested.urgent else 1,
        "traceparent": requested.traceparent,
    }
    offer = "answer" if requested.told in ANSWERABLE and way.means != SMS else None
    return _delivery(about, way, render(telling.template, requested), now, offer), way


def _prompt(requested: PromptRequested, prompts: Prompts, reach: Reach, now: datetime) -> Stored:
    """A prompt goes the way it was asked for or not at all: a bot's question by SMS would help nobody."""
    wanted = BY_CHANNEL[requested.channel]
    way = reach.way(wanted, requested.reply_to, requested.platform, None)
    if way.means == SMS:
        way = Way(SMS, way.phone, tellable=way.tellable and (wanted == SMS or requested.platform == SMS))
    else:
        way = Way(way.means, None, way.account, way.sequence)
    if requested.prompt is not Prompt.CALLBACK_CLOSED and now - requested.at > PROMPT_GIVE_UP:
        way = way._replace(tellable=False)  # we were away, and what cannot wait goes first now
    about = {
        "id": requested.id,
        "code": None,
        "revision": 0,
        "told": requested.prompt.value,
        "priority": 0,  # someone is waiting for it
        "traceparent": requested.traceparent,
    }
    return _delivery(about, way, prompts.render(requested), now, prompts.rows[requested.prompt].offer), way


def _delivery(about: Row, way: Way, text: str, now: datetime, offer: str | None = None) -> Row:
    return {
        **about,
        "means": way.means,
        "tellable": way.tellable,
        "phone": way.phone,
        "text": text,
        "parts": parts(text),
        "created_at": now,
        "account": way.account,
        "offer": offer,
    }


def _due(localid: int, row: Row, way: Way, leased: bool) -> Row:
    """Due now; or being sent already, until the lease is over."""
    return {
        "localid": localid,
        "means": way.means,
        "priority": row["priority"],
        "due_at": row["created_at"] + (LEASE if leased else timedelta(0)),
        "attempts": int(leased),
        "sequence": way.sequence,
    }


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
