"""What came of deliveries, written in bulk: one transaction a call, rows and events together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from common.db import Transaction
from common.events import Event, NotificationDelivered, NotificationFailed, NotificationSent, Told

from notify.backoff import pause
from notify.models import Attempt, table
from notify.providers.kavenegar import DELIVERED, UNDELIVERED, Fate, Outcome

FIRST_CHECK = timedelta(seconds=2)
GIVE_UP = timedelta(hours=24)

# A provider's number that stands there already (it gave one twice, or counts anew) costs that SMS its receipt alone.
_SENT = """
WITH done AS (DELETE FROM due WHERE localid = ANY($1::bigint[]) RETURNING localid), noted AS (
    INSERT INTO unconfirmed (provider_id, localid, sent_at, check_at)
    SELECT provider_id, localid, $3, $4 FROM unnest($1::bigint[], $2::bigint[]) AS o (localid, provider_id)
    JOIN done USING (localid) ON CONFLICT (provider_id) DO NOTHING
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
_CONFIRMED = """
WITH done AS (DELETE FROM unconfirmed WHERE provider_id = ANY($1::bigint[]) RETURNING provider_id, localid), noted AS (
    INSERT INTO receipts (localid, outcome, at)
    SELECT localid, outcome, $3 FROM unnest($1::bigint[], $2::text[]) AS o (provider_id, outcome)
    JOIN done USING (provider_id) RETURNING localid, outcome
)
SELECT id, code, told, means, outcome, traceparent FROM noted JOIN deliveries USING (localid)
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process is sending."""

    localid: int
    id: UUID
    code: str
    told: str
    means: str
    phone: str
    text: str
    parts: int
    attempts: int
    created_at: datetime
    traceparent: str | None


async def record_outcomes(claimed: Mapping[int, Claimed], outcomes: Sequence[Outcome], tx: Transaction) -> None:
    """Every attempt kept; sent ones are reported, lost ones due again, refused ones given up."""
    now = datetime.now(UTC)
    await tx.insert(
        table(Attempt), [_attempt(claimed[o.localid], o, now) for o in outcomes], then="ON CONFLICT DO NOTHING"
    )
    sent = [o for o in outcomes if o.fate is Fate.SENT]
    old = {o.localid for o in outcomes if o.fate is Fate.RETRY and now - claimed[o.localid].created_at > GIVE_UP}
    retried = [o for o in outcomes if o.fate is Fate.RETRY and o.localid not in old]
    refused = [o for o in outcomes if o.fate is Fate.REFUSED or o.localid in old]
    if sent:
        ids, numbers = [o.localid for o in sent], [o.provider_id for o in sent]
        done = await tx.fetch(_SENT, ids, numbers, now, now + FIRST_CHECK)
        tx.publish(*(_sent(claimed[row[0]], now) for row in done))
    if retried:
        due = [now + pause(claimed[o.localid].attempts, slow=o.slow) for o in retried]
        tries = [claimed[o.localid].attempts for o in retried]
        await tx.execute(_RETRY, [o.localid for o in retried], tries, due)
    if refused:
        reasons = {o.localid: o.detail or "refused" for o in refused}
        done = await tx.fetch(_FAILED, list(reasons), [claimed[i].attempts for i in reasons])
        tx.publish(*(_failed(claimed[row[0]], reasons[row[0]], now) for row in done))


async def record_receipts(statuses: Mapping[int, int], tx: Transaction) -> int:
    """The provider's word on delivery, each counted once; how many were new."""
    told = {i: "delivered" for i, status in statuses.items() if status in DELIVERED}
    told |= {i: "undelivered" for i, status in statuses.items() if status in UNDELIVERED}
    if not told:
        return 0
    now = datetime.now(UTC)
    ids = sorted(told)  # one order of locks for the poll and the callback
    rows = await tx.fetch(_CONFIRMED, ids, [told[i] for i in ids], now)
    tx.publish(*(_confirmed(row, now) for row in rows))
    return len(rows)


def _attempt(delivery: Claimed, outcome: Outcome, now: datetime) -> dict[str, object]:
    return {
        "localid": delivery.localid,
        "attempt": delivery.attempts,
        "at": now,
        "provider": "kavenegar",
        "outcome": outcome.fate.value,
        "provider_id": outcome.provider_id,
        "detail": outcome.detail,
    }


def _sent(delivery: Claimed, now: datetime) -> Event:
    return NotificationSent(
        at=now,
        code=delivery.code,
        notification=delivery.id,
        told=Told(delivery.told),
        means=delivery.means,
        parts=delivery.parts,
        attempts=delivery.attempts,
        traceparent=delivery.traceparent,
    )


def _failed(delivery: Claimed, reason: str, now: datetime) -> Event:
    return NotificationFailed(
        at=now,
        code=delivery.code,
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
