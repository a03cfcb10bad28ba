"""The sender: claims due deliveries, urgent ones first, hands them over in bulk, and asks for receipts.

It writes "sending, lease until" before it calls and the outcome after; a lease that ran out is sent again with the
same localid, which the provider delivers once. No call is made inside a transaction.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from common import telemetry
from common.db import Database
from common.errors import is_transient
from common.health import Pulse
from common.sealed import Sealer

from notify.outcomes import Claimed, ask_later, record_outcomes, record_receipts
from notify.providers.kavenegar import MOST_ASKED, MOST_SENT, Fate, Kavenegar, Outcome, Outgoing

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)  # six times the longest call
IN_FLIGHT = 4  # calls at a time
IDLE_SECONDS = 0.03
BUSY = 20  # SMS in a call from which on the next one is let grow
RECEIPT_SECONDS = 1.0
FAILED_SECONDS = 0.5
UNREADABLE = "the sealed number does not open; is a key missing in PASOKH_SEAL_KEYS?"

_CLAIM = """
WITH claimed AS (
    UPDATE due SET due_at = $2, attempts = due.attempts + 1
    FROM (SELECT localid FROM due WHERE due_at <= $1 ORDER BY priority, due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS next
    WHERE due.localid = next.localid
    RETURNING due.localid, due.attempts
)
SELECT localid, id, code, told, means, phone, text, parts, attempts, created_at, traceparent
FROM claimed JOIN deliveries USING (localid) ORDER BY priority, localid
"""
_UNCONFIRMED = "SELECT provider_id FROM unconfirmed WHERE check_at <= $1 ORDER BY check_at LIMIT $2"


class Sender:
    """Hands SMS to the provider, for as long as the service runs."""

    def __init__(self, database: Database, sealer: Sealer, provider: Kavenegar, pulse: Pulse) -> None:
        self._database = database
        self._sealer = sealer
        self._provider = provider
        self._pulse = pulse

    async def send_due(self) -> None:
        """Send what is due until cancelled."""
        while True:
            self._pulse.beat()
            try:
                claimed = await self._claim()
                groups = [claimed[n : n + MOST_SENT] for n in range(0, len(claimed), MOST_SENT)]
                well = all(await asyncio.gather(*map(self._send, groups)))
                if not well or not claimed or BUSY <= len(claimed) < MOST_SENT:
                    await asyncio.sleep(IDLE_SECONDS if well else FAILED_SECONDS)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("sender waits: %r", error)
                await asyncio.sleep(FAILED_SECONDS)

    async def ask_receipts(self) -> None:
        """Ask the provider what became of SMS it took over, until cancelled."""
        while True:
            try:
                asked = await self._ask_once()
                await asyncio.sleep(0 if asked == MOST_ASKED else RECEIPT_SECONDS)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(RECEIPT_SECONDS)

    async def _claim(self) -> list[Claimed]:
        now = datetime.now(UTC)
        async with self._database.transaction() as tx:
            rows = await tx.fetch(_CLAIM, now, now + LEASE, MOST_SENT * IN_FLIGHT)
        return [Claimed(*row) for row in rows]

    async def _send(self, claimed: Sequence[Claimed]) -> bool:
        """One call and its outcome; whether the provider took part."""
        numbers = {one.localid: self._sealer.readable(one.phone) for one in claimed}
        batch = [Outgoing(one.localid, number, one.text) for one in claimed if (number := numbers[one.localid])]
        outcomes = [Outcome(i, Fate.REFUSED, detail=UNREADABLE) for i, number in numbers.items() if number is None]
        traced = next((one.traceparent for one in claimed if telemetry.follows(one.traceparent)), None)
        if traced is None:
            outcomes += await self._provider.send(batch)
        else:
            with telemetry.span("send", traced, telemetry.SpanKind.CLIENT, {"sms": len(batch)}):
                outcomes += await self._provider.send(batch)
        async with self._database.transaction() as tx:
            await record_outcomes({one.localid: one for one in claimed}, outcomes, tx)
        _report(outcomes)
        return all(outcome.fate is not Fate.RETRY for outcome in outcomes)

    async def _ask_once(self) -> int:
        async with self._database.transaction() as tx:
            rows = await tx.fetch(_UNCONFIRMED, datetime.now(UTC), MOST_ASKED)
        if not rows:
            return 0
        asked = [row[0] for row in rows]
        statuses = await self._provider.receipts(asked)
        async with self._database.transaction() as tx:
            await record_receipts(statuses, tx)
            await ask_later(asked, tx)
        return len(rows)


def _report(outcomes: Sequence[Outcome]) -> None:
    for fate in Fate:
        if count := sum(outcome.fate is fate for outcome in outcomes):
            telemetry.SMS.add(count, {"outcome": fate.value})
    refused = [outcome for outcome in outcomes if outcome.fate is Fate.REFUSED]
    lost = next((outcome for outcome in outcomes if outcome.fate is Fate.RETRY), None)
    if refused:
        log.error("the provider refuses %d SMS for good: %s", len(refused), refused[0].detail)
    if lost is not None:
        log.log(logging.ERROR if lost.slow else logging.WARNING, "SMS are to be sent again: %s", lost.detail)
