"""What came of deliveries, written in bulk: one transaction a call, rows and events together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from common.db import Transaction
from common.events import Event, NotificationDelivered, NotificationFailed, NotificationSent, Prompt, Told

from notify.backoff import pause
from notify.means import PUSH, SMS
from notify.models import Attempt, table
from notify.providers.kavenegar import DELIVERED, UNDELIVERED
from notify.providers.outcome import Fate, Outcome

FIRST_CHECK = timedelta(seconds=2)
GIVE_UP = timedelta(hours=24)  # of SMS, and of what is pushed to the app
CHAT_GIVE_UP = timedelta(hours=1)  # a messenger that is down so long: SMS is the better way
PROMPT_GIVE_UP = timedelta(minutes=15)  # nobody waits for a bot's question any longer
MOST_UNKNOWN = 3  # tries whose answer was lost, before a messenger counts as one that does not answer
LONGEST_PUSH = 900.0  # seconds between two tries at the app's webhook

# A provider's number that stands there already (it gave one twice, or counts anew) costs that SMS its receipt alone.
_SENT = """
WITH done AS (DELETE FROM due WHERE localid = ANY($1::bigint[]) RETURNING localid), noted AS (
    INSERT INTO unconfirmed (provider_id, localid, sent_at, check_at)
    SELECT provider_id, localid, $3, $4 FROM unnest($1::bigint[], $2::bigint[]) AS o (localid, provider_id)
    JOIN done USING (localid) WHERE provider_id IS NOT NULL ON CONFLICT (provider_id) DO NOTHING
)
SELECT localid FROM done
"""
_RETRY = """
UPDATE due SET due_at = o.due_at
FROM unnest($1::bigint[], $2::int[], $3::timestamptz[]) AS o (localid, attempt, due_at)
WHERE due.localid = o.localid AND due.attempts = o.attempt
"""
_FAILED = """
DELETE FROM due USING unnest($1::bigint[], $2::int[]) AS o (localid, attempt)
WHERE due.localid = o.localid AND due.attempts = o.attempt RETURNING due.localid
"""
# The attempts guard it: whoever moves it first has moved it, and it is sent by SMS once.
_BY_SMS = """
UPDATE due SET means = 'sms', sequence = NULL, due_at = $3
FROM unnest($1::bigint[], $2::int[]) AS o (localid, attempt)
WHERE due.localid = o.localid AND due.attempts = o.attempt
"""
_CONFIRMED = """
WITH done AS (DELETE FROM unconfirmed WHERE provider_id = ANY($1::bigint[]) RETURNING provider_id, localid), noted AS (
    INSERT INTO receipts (localid, outcome, at)
    SELECT localid, outcome, $3 FROM unnest($1::bigint[], $2::text[]) AS o (provider_id, outcome)
    JOIN done USING (provider_id) RETURNING localid, outcome
)
SELECT id, code, told, 'sms' AS means, outcome, traceparent FROM noted JOIN deliveries USING (localid)
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process is sending, by `means`; a prompt has no code."""

    localid: int
    id: UUID
    code: str | None
    told: str
    means: str
    phone: str | None
    text: str
    parts: int
    attempts: int
    created_at: datetime
    traceparent: str | None
    account: str | None = None
    offer: str | None = None

    def patience(self) -> timedelta:
        """How long it is tried by these means. An SMS that took another's place has its own time after the other's."""
        if self.means == SMS and self.account is not None:
            return 2 * GIVE_UP
        return patience(self.means, prompt=self.code is None and self.told != Prompt.CALLBACK_CLOSED)

    def hopeless(self, outcome: Outcome, now: datetime) -> bool:
        """Whether another try by these means is of no use."""
        if outcome.fate is Fate.REFUSED or now - self.created_at > self.patience():
            return True
        return outcome.unknown and self.attempts >= MOST_UNKNOWN


def patience(means: str, *, prompt: bool) -> timedelta:
    """How long something is tried by these means, counted from when it was asked for."""
    if prompt:
        return PROMPT_GIVE_UP
    return GIVE_UP if means in (SMS, PUSH) else CHAT_GIVE_UP


async def record_outcomes(claimed: Mapping[int, Claimed], outcomes: Sequence[Outcome], tx: Transaction) -> None:
    """Every attempt kept; sent ones are reported, lost ones due again, hopeless ones go by SMS or are given up."""
    now = datetime.now(UTC)
    await tx.insert(
        table(Attempt), [_attempt(claimed[o.localid], o, now) for o in outcomes], then="ON CONFLICT DO NOTHING"
    )
    sent = [o for o in outcomes if o.fate is Fate.SENT]
    rest = [o for o in outcomes if o.fate is not Fate.SENT]
    hopeless = [o for o in rest if claimed[o.localid].hopeless(o, now)]
    if sent:
        await _strike_off(claimed, sent, tx, now)
    if len(hopeless) < len(rest):
        await _put_off(claimed, [o for o in rest if not claimed[o.localid].hopeless(o, now)], tx, now)
    if hopeless:
        await _give_up(claimed, hopeless, tx, now)


async def _strike_off(claimed: Mapping[int, Claimed], sent: Sequence[Outcome], tx: Transaction, now: datetime) -> None:
    ids, numbers = [o.localid for o in sent], [o.provider_id for o in sent]
    done = await tx.fetch(_SENT, ids, numbers, now, now + FIRST_CHECK)
    tx.publish(*(_sent(one, one.code, now) for row in done if (one := claimed[row[0]]).code is not None))


async def _put_off(claimed: Mapping[int, Claimed], tried: Sequence[Outcome], tx: Transaction, now: datetime) -> None:
    due = [now + _pause(claimed[o.localid], o) for o in tried]
    await tx.execute(_RETRY, [o.localid for o in tried], [claimed[o.localid].attempts for o in tried], due)


async def _give_up(claimed: Mapping[int, Claimed], hopeless: Sequence[Outcome], tx: Transaction, now: datetime) -> None:
    """By SMS where there is a number and SMS was not what failed; else it is over."""
    by_sms = [one for o in hopeless if (one := claimed[o.localid]).means != SMS and one.phone]
    if by_sms:
        await tx.execute(_BY_SMS, [one.localid for one in by_sms], [one.attempts for one in by_sms], now)
    moved = {one.localid for one in by_sms}
    reasons = {o.localid: o.detail or "refused" for o in hopeless if o.localid not in moved}
    if reasons:
        done = await tx.fetch(_FAILED, list(reasons), [claimed[i].attempts for i in reasons])
        over = [(claimed[row[0]], reasons[row[0]]) for row in done]
        tx.publish(*(_failed(one, one.code, reason, now) for one, reason in over if one.code is not None))


def _pause(delivery: Claimed, outcome: Outcome) -> timedelta:
    longest = {"longest": LONGEST_PUSH} if delivery.means == PUSH else {}
    usual = pause(delivery.attempts, slow=outcome.slow, **longest)
    return max(usual, timedelta(seconds=outcome.after))


async def record_receipts(statuses: Mapping[int, int], tx: Transaction) -> int:
    """The provider's word on delivery, each counted once; how many were new."""
    told = {i: "delivered" for i, status in statuses.items() if status in DELIVERED}
    told |= {i: "undelivered" for i, status in statuses.items() if status in UNDELIVERED}
    if not told:
        return 0
    now = datetime.now(UTC)
    ids = sorted(told)  # one order of locks for the poll and the callback
    rows = await tx.fetch(_CONFIRMED, ids, [told[i] for i in ids], now)
    tx.publish(*(_confirmed(row, now) for row in rows if row["code"] is not None))
    return len(rows)


def _attempt(delivery: Claimed, outcome: Outcome, now: datetime) -> dict[str, object]:
    return {
        "localid": delivery.localid,
        "attempt": delivery.attempts,
        "at": now,
        "provider": "kavenegar" if delivery.means == SMS else delivery.means,
        "outcome": outcome.fate.value,
        "provider_id": outcome.provider_id,
        "detail": outcome.detail,
    }


def _sent(delivery: Claimed, code: str, now: datetime) -> Event:
    return NotificationSent(
        at=now,
        code=code,
        notification=delivery.id,
        told=Told(delivery.told),
        means=delivery.means,
        parts=delivery.parts,
        attempts=delivery.attempts,
        traceparent=delivery.traceparent,
    )


def _failed(delivery: Claimed, code: str, reason: str, now: datetime) -> Event:
    return NotificationFailed(
        at=now,
        code=code,
        notification=delivery.id,
        told=Told(delivery.told),
        means=delivery.means,
        reason=reason,
        traceparent=delivery.traceparent,
    )


def _confirmed(row: Any, now: datetime) -> Event:
    about = {"at": now, "code": row["code"], "notification": row["id"], "told": row["told"], "means": row["means"]}
    about["traceparent"] = row["traceparent"]
    if row["outcome"] == "delivered":
        return NotificationDelivered.model_validate(about)
    return NotificationFailed.model_validate(about | {"reason": "the provider could not deliver it"})
