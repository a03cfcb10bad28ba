"""The SMS sender: hands SMS over in bulk, urgent ones first, and asks for receipts.

A delivery is leased before the call and its outcome is written after; a lease that ran out is sent again with the
same localid, which the provider delivers once. What this process just stored is leased with its row and handed over
in memory; the table is swept for what waits after a failure, or was left by a crash. No call inside a transaction.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from common import telemetry
from common.db import Database
from common.errors import is_transient
from common.health import Pulse
from common.sealed import Sealer

from notify.outcomes import Claimed, record_outcomes, record_receipts
from notify.providers.kavenegar import MOST_ASKED, MOST_SENT, Kavenegar
from notify.providers.outcome import Fate, Outcome, Outgoing

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)  # six times the longest call
IN_FLIGHT = 4  # calls at a time
AT_A_TIME = MOST_SENT * IN_FLIGHT
MOST_IN_MEMORY = 2000  # deliveries; four calls of 200 at a time empty it in 30 s, even when each takes its 10 s
SWEEP_SECONDS = 1.0
SURE_SECONDS = 20.0  # a lease with less than this left is let go; the sweep takes it up when it is over
RECEIPT_SECONDS = 1.0
FAILED_SECONDS = 0.5
UNREADABLE = "the sealed number does not open; is a key missing in PASOKH_SEAL_KEYS?"

_CLAIM = """
WITH claimed AS (
    UPDATE due SET due_at = $2, attempts = due.attempts + 1
    FROM (
        SELECT localid FROM due WHERE means = 'sms' AND due_at <= $1
        ORDER BY priority, due_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS next
    WHERE due.localid = next.localid
    RETURNING due.localid, due.attempts
)
SELECT localid, id, code, told, 'sms', phone, text, parts, attempts, created_at, traceparent, account
FROM claimed JOIN deliveries USING (localid) ORDER BY priority, localid
"""
# Asked ever more seldom; after 48 hours only a callback can tell.
_UNCONFIRMED = """
UPDATE unconfirmed u SET check_at = CASE
    WHEN sent_at < $1::timestamptz - interval '48 hours' THEN 'infinity'
    ELSE $1 + greatest(interval '2 seconds', $1 - sent_at) END
FROM (
    SELECT provider_id FROM unconfirmed WHERE check_at <= $1 ORDER BY check_at LIMIT $2 FOR UPDATE SKIP LOCKED
) AS next
WHERE u.provider_id = next.provider_id
RETURNING u.provider_id
"""
_RELEASE = """
UPDATE due SET due_at = now(), attempts = attempts - 1 WHERE localid = ANY($1::bigint[]) AND attempts = 1
"""


class Sender:
    """Hands SMS to the provider, for as long as the service runs."""

    def __init__(self, database: Database, sealer: Sealer, provider: Kavenegar, pulse: Pulse) -> None:
        self._database = database
        self._sealer = sealer
        self._provider = provider
        self._pulse = pulse
        self._handed: dict[int, deque[tuple[float, Claimed]]] = {0: deque(), 1: deque()}  # by priority
        self._wake = asyncio.Event()
        self._next_sweep = 0.0
        self._well = True  # the last calls were answered; else what comes waits in the table

    def takes(self, count: int) -> bool:
        """Whether so many that are about to be stored should be stored as leased, and handed over in memory."""
        return self._well and sum(map(len, self._handed.values())) + count <= MOST_IN_MEMORY

    def hand(self, leased: Sequence[tuple[int, Claimed]], until: datetime) -> None:
        """Take deliveries with their priority, whose lease until a moment was just committed."""
        left = (until - datetime.now(UTC)).total_seconds() - SURE_SECONDS
        until_here = time.monotonic() + left
        for priority, one in leased:
            self._handed[priority].append((until_here, one))
        self._wake.set()

    async def send_due(self) -> None:
        """Send what is due until cancelled."""
        while True:
            self._pulse.beat()
            try:
                due = await self._due()
                if due:
                    await self._send_all(due)
                if not due or not self._well:
                    await self._pause()
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

    async def _due(self) -> list[Claimed]:
        """What is due by the table, looked at now and then, and what was handed over in memory."""
        self._wake.clear()  # before memory is looked at: what comes from here on wakes the next pause
        swept: list[Claimed] = []
        if time.monotonic() >= self._next_sweep:
            room = max(MOST_SENT, AT_A_TIME - sum(map(len, self._handed.values())))
            swept = await self._claim(room)
            self._next_sweep = 0.0 if len(swept) == room else time.monotonic() + SWEEP_SECONDS
        handed = self._take(AT_A_TIME - len(swept))
        known = {one.localid for one in handed}
        return [*handed, *(one for one in swept if one.localid not in known)]

    def _take(self, most: int) -> list[Claimed]:
        """Urgent ones first."""
        taken: list[Claimed] = []
        now = time.monotonic()
        for waiting in self._handed.values():
            while waiting and len(taken) < most:
                until, one = waiting.popleft()
                if until > now:
                    taken.append(one)
        return taken

    async def release(self) -> None:
        """At the end of the process: what is left in memory is due at once, for whoever comes next."""
        left = [one.localid for waiting in self._handed.values() for _, one in waiting]
        if left:
            async with self._database.transaction() as tx:
                await tx.execute(_RELEASE, left)

    async def _claim(self, most: int) -> list[Claimed]:
        now = datetime.now(UTC)
        async with self._database.transaction() as tx:
            rows = await tx.fetch(_CLAIM, now, now + LEASE, most)
        return [Claimed(*row) for row in rows]

    async def _pause(self) -> None:
        if not self._well:
            await asyncio.sleep(FAILED_SECONDS)
            return
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send_all(self, due: Sequence[Claimed]) -> None:
        groups = [due[n : n + MOST_SENT] for n in range(0, len(due), MOST_SENT)]
        self._well = all(await asyncio.gather(*map(self._send, groups)))

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
        statuses = await self._provider.receipts([row[0] for row in rows])
        async with self._database.transaction() as tx:
            await record_receipts(statuses, tx)
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
