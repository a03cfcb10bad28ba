"""Callbacks: promised within what operators can do, given to them in order under a lease, tried three times."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record
from common.calendar import jalali_moment, shift_of
from common.db import Transaction
from common.errors import Problem
from common.events import CallbackChanged, CallbackState, Channel, Prompt, PromptRequested, SealedAddress

from intake.channels.phone.overflow_models import Callback
from intake.channels.phone.scheduling import next_try, plan, slot_of
from intake.channels.phone.ways import Ways
from intake.models import WAITING, table

RETRIES = 2  # after the first try
MOST_TOGETHER = 100
SOON = timedelta(minutes=3)  # the wait that is promised: what falls due in it takes agents from those who join now
_TURN = "SELECT pg_advisory_xact_lock(hashtext('callbacks'))"  # two promises at once would take the same place
_PLANNED = """
SELECT date_bin('30 minutes', greatest(due_at, $1), '2020-01-01T00:00:00Z') AS slot, count(*) AS planned
FROM callbacks WHERE closed_at IS NULL OR due_at >= $1 GROUP BY 1
"""
_OPEN = """
SELECT count(*) FILTER (WHERE lease_until > $1) AS leased,
       count(*) FILTER (WHERE due_at <= $2 AND (lease_until > $1) IS NOT TRUE) AS due
FROM callbacks WHERE closed_at IS NULL AND due_at <= $2
"""
_HELD = "SELECT call_id FROM callbacks WHERE closed_at IS NULL AND leased_by = $1 AND lease_until > $2 FOR UPDATE"
_NEXT = """
SELECT call_id FROM callbacks WHERE closed_at IS NULL AND due_at <= $1 AND (lease_until > $1) IS NOT TRUE
ORDER BY due_at, asked_at, call_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_LEASE = """
UPDATE callbacks SET state = 'offered', leased_by = $2, lease_until = $3, changed_at = $4 WHERE call_id = $1
RETURNING *
"""
_MOVE = """
UPDATE callbacks SET state = $2, misses = $3, due_at = coalesce($4, due_at), closed_at = $5, changed_at = $6,
       lease_until = NULL
WHERE call_id = $1 RETURNING *
"""
_BACK = """
UPDATE callbacks SET state = CASE WHEN misses > 0 THEN 'missed' ELSE 'planned' END, leased_by = NULL, lease_until = NULL
WHERE call_id IN (SELECT call_id FROM callbacks WHERE closed_at IS NULL AND lease_until <= $1
                  ORDER BY call_id LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_STALE = """
SELECT * FROM callbacks WHERE closed_at IS NULL AND promised_at < $1 AND lease_until IS NULL
ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
# The answer to a promise may be lost on its way to the exchange; then the caller stays in the queue.
_ANSWERED = """
SELECT b.* FROM callbacks b JOIN decisions d USING (call_id) JOIN calls c USING (call_id)
WHERE b.closed_at IS NULL AND b.lease_until IS NULL AND c.answered_at > d.chosen_at
ORDER BY call_id LIMIT $1 FOR UPDATE OF b SKIP LOCKED
"""
_WAITS = f"SELECT EXISTS (SELECT FROM calls WHERE {WAITING})"


@dataclass(frozen=True, slots=True)
class Said:
    """What an operator says of a try."""

    outcome: CallbackState
    operator: str


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a callback stands after a try."""

    state: CallbackState
    misses: int
    due_at: datetime | None = None
    closed_at: datetime | None = None


async def earliest(turn: datetime, now: datetime, *, tx: Transaction, ways: Ways) -> datetime | None:
    """When a caller could be called back whose turn comes then; None when all is full."""
    planned = {row["slot"]: row["planned"] for row in await tx.fetch(_PLANNED, slot_of(now))}
    return plan(turn, planned, ways.working)


async def promise(decision: Record, turn: datetime, now: datetime, *, tx: Transaction, ways: Ways) -> datetime | None:
    """Promise it: a row, the SMS that says when, and the event; None when all is full."""
    await tx.execute(_TURN)
    at = await earliest(turn, now, tx=tx, ways=ways)
    if at is None:
        return None
    row = {
        name: decision[name] for name in ("call_id", "queue", "caller", "caller_lookup", "mobile", "topic", "asked_at")
    }
    row |= {"promised_at": at, "due_at": at, "state": CallbackState.PLANNED.value, "misses": 0, "changed_at": now}
    await tx.insert(table(Callback), [row])
    tx.publish(CallbackChanged(at=now, call_id=row["call_id"], queue=row["queue"], state=CallbackState.PLANNED))
    if decision["mobile"]:
        tx.publish(prompt(Prompt.CALLBACK_PLANNED, decision, now, at=jalali_moment(at)))
    return at


async def taking_over(agents: int, now: datetime, *, tx: Transaction, ways: Ways) -> int:
    """How many of a queue's agents callbacks will take in the next minutes, besides those who have one."""
    if not ways.working.open_at(now):
        return 0
    found = await tx.fetchrow(_OPEN, now, now + SOON)
    assert found is not None
    most = ways.working.at_once(agents)
    return max(0, min(int(found["due"]), most - int(found["leased"])))


async def take_next(operator: str, now: datetime, *, tx: Transaction, ways: Ways) -> Record | None:
    """The callback that is this operator's turn: the one they hold, else the next that is due.

    While somebody waits on the phone no more operators call back at once than callbacks' share of them; and nobody is
    rung up at night, whose callback was not made by day.
    """
    await tx.execute(_TURN)
    held = await tx.fetchval(_HELD, operator, now)
    if held is not None:
        return await tx.fetchrow(_LEASE, held, operator, now + ways.lease, now)
    if not ways.working.open_at(now):
        return None
    counts = await tx.fetchrow(_OPEN, now, now)
    assert counts is not None
    if counts["leased"] >= ways.working.at_once(_operators(now, ways)) and await tx.fetchval(_WAITS):
        return None
    due = await tx.fetchval(_NEXT, now)
    if due is None:
        return None
    taken = await tx.fetchrow(_LEASE, due, operator, now + ways.lease, now)
    assert taken is not None
    tx.publish(_changed(taken, CallbackState.OFFERED, taken["misses"] + 1, now))
    return taken


async def record_outcome(call_id: str, said: Said, now: datetime, *, tx: Transaction, ways: Ways) -> Record:
    """Reached, or missed and tried again, or closed at the last miss; the same word twice counts once."""
    row = await tx.fetchrow("SELECT * FROM callbacks WHERE call_id = $1 FOR UPDATE", call_id)
    if row is None:
        raise Problem(404, "No callback was promised to this call.")
    if row["state"] != CallbackState.OFFERED or row["leased_by"] != said.operator:
        return _again(row, said)
    if said.outcome is CallbackState.REACHED:
        tx.publish(_changed(row, CallbackState.REACHED, row["misses"] + 1, now))
        return await _move(row, Stand(CallbackState.REACHED, row["misses"], closed_at=now), now, tx)
    return await _miss(row, now, tx, ways)


def _again(row: Record, said: Said) -> Record:
    missed = row["state"] in (CallbackState.MISSED, CallbackState.CLOSED) and row["misses"] > 0
    before = CallbackState.MISSED if missed else row["state"]
    if before == said.outcome and row["leased_by"] == said.operator:
        return row
    raise Problem(409, f"This callback is {row['state']}; take it first with `POST /v1/phone/callbacks/next`.")


async def _miss(row: Record, now: datetime, tx: Transaction, ways: Ways) -> Record:
    misses = row["misses"] + 1
    tx.publish(_changed(row, CallbackState.MISSED, misses, now))
    if misses > RETRIES:
        return await _close(row, misses, now, tx)
    due_at = next_try(now, ways.pause, ways.working)
    return await _move(row, Stand(CallbackState.MISSED, misses, due_at=due_at), now, tx)


async def _close(row: Record, misses: int, now: datetime, tx: Transaction) -> Record:
    tx.publish(_changed(row, CallbackState.CLOSED, misses, now))
    if row["mobile"]:
        tx.publish(prompt(Prompt.CALLBACK_CLOSED, row, now))
    return await _move(row, Stand(CallbackState.CLOSED, misses, closed_at=now), now, tx)


async def _move(row: Record, stand: Stand, now: datetime, tx: Transaction) -> Record:
    moved = await tx.fetchrow(
        _MOVE, row["call_id"], stand.state.value, stand.misses, stand.due_at, stand.closed_at, now
    )
    assert moved is not None
    return moved


async def give_back(now: datetime, tx: Transaction) -> None:
    """Leases that ran out: whoever had the callback is gone, and it is anybody's again."""
    await tx.execute(_BACK, now, MOST_TOGETHER)


async def close_answered(now: datetime, tx: Transaction) -> None:
    """Callers who were answered in the queue after they were promised a callback: nobody rings them up as well."""
    for row in await tx.fetch(_ANSWERED, MOST_TOGETHER):
        tx.publish(_changed(row, CallbackState.REACHED, row["misses"], now))
        await _move(row, Stand(CallbackState.REACHED, row["misses"], closed_at=now), now, tx)


async def close_stale(now: datetime, tx: Transaction, *, ways: Ways) -> int:
    """Close, with an SMS, what nobody called back in all the time it is kept; how many."""
    rows = await tx.fetch(_STALE, now - ways.keep, MOST_TOGETHER)
    for row in rows:
        await _close(row, row["misses"], now, tx)
    return len(rows)


def prompt(about: Prompt, row: Record, now: datetime, /, **values: str) -> PromptRequested:
    """What a caller is told by SMS."""
    to = SealedAddress(phone=row["caller"], phone_lookup=row["caller_lookup"], sms=True)
    return PromptRequested(at=now, prompt=about, values=values, channel=Channel.PHONE, reply_to=to)


def _changed(row: Record, state: CallbackState, attempt: int, at: datetime) -> CallbackChanged:
    return CallbackChanged(at=at, call_id=row["call_id"], queue=row["queue"], state=state, attempt=attempt)


def _operators(now: datetime, ways: Ways) -> int:
    return ways.working.operators.get(shift_of(now).name, 0)
