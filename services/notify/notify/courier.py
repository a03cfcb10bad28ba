"""Couriers: each hands over, one by one, what is due by one means, so that one that is down delays no other.

What shares a sequence, a messenger's chat or a case that is pushed, goes one after the other: a later one is not
claimed before the earlier one is done. As with SMS a delivery is leased before the call and its outcome is written
after; but a messenger has no id of ours, so that a lost answer may mean a second copy.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from common import telemetry
from common.db import Database
from common.errors import is_transient
from common.health import Pulse
from common.sealed import Sealer

from notify.means import SMS
from notify.outcomes import Claimed, patience, record_outcomes
from notify.providers.outcome import NO_ANSWER, Fate, Letter, Messenger, Outcome

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)  # more than a wait for a chat's turn and the longest call
IN_FLIGHT = 16  # calls at a time
SWEEP_SECONDS = 1.0
LONGEST_PAUSE = 15.0  # seconds between two probes while a platform fails
PATIENT = 3  # failures in a row after which one probe at a time goes out
RECORD_SECONDS = 0.5
NOT_SET = "no account with it is set any more"
TOO_LATE = "the platform was away for too long"
UNREADABLE = "the sealed account does not open; is a key missing in PASOKH_SEAL_KEYS?"

# Taken from the couriers at once and without a call, as many as one transaction bears.
_TAKE_BACK = """
WITH claimed AS (
    UPDATE due SET due_at = $1::timestamptz + $2::interval, attempts = due.attempts + 1
    FROM ({which} LIMIT 200 FOR UPDATE OF due SKIP LOCKED) AS next
    WHERE due.localid = next.localid
    RETURNING due.localid, due.attempts, due.means
)
SELECT localid, id, code, told, claimed.means, phone, text, parts, attempts, created_at, traceparent, account, offer
FROM claimed JOIN deliveries USING (localid)
"""
# Due for so long by means that nobody here has, and not leased by a replica that has them.
_ORPHANS = _TAKE_BACK.format(
    which="""SELECT localid FROM due
    WHERE means <> ALL ($3::text[]) AND due_at <= $1::timestamptz - $2::interval"""
)
# While a platform fails one probe at a time goes out: what waits behind it must not wait for its turn to be given up.
_LATE = _TAKE_BACK.format(
    which="""SELECT due.localid FROM due JOIN deliveries USING (localid)
    WHERE due.means = $3 AND due_at <= $1 AND created_at < CASE WHEN code IS NULL THEN $4::timestamptz ELSE $5 END"""
)
_CLAIM = """
WITH claimed AS (
    UPDATE due SET due_at = $3, attempts = due.attempts + 1
    FROM (
        SELECT localid FROM due AS d WHERE means = $1 AND due_at <= $2 AND NOT EXISTS (
            SELECT FROM due AS e WHERE e.means = d.means AND e.sequence = d.sequence AND e.localid < d.localid
        )
        ORDER BY priority, due_at LIMIT $4 FOR UPDATE SKIP LOCKED
    ) AS next
    WHERE due.localid = next.localid
    RETURNING due.localid, due.attempts, due.means
)
SELECT localid, id, code, told, claimed.means, phone, text, parts, attempts, created_at, traceparent, account, offer
FROM claimed JOIN deliveries USING (localid) ORDER BY priority, localid
"""


class Courier:
    """Hands over what is due by one means, for as long as the service runs."""

    def __init__(self, database: Database, sealer: Sealer, messenger: Messenger, pulse: Pulse) -> None:
        self.name = messenger.name
        self._database = database
        self._sealer = sealer
        self._messenger = messenger
        self._pulse = pulse
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._failures = 0  # in a row

    def wake(self) -> None:
        """Something was just stored for this courier."""
        self._wake.set()

    async def send_due(self) -> None:
        """Send what is due until cancelled."""
        while True:
            self._pulse.beat()
            self._wake.clear()  # before the table is looked at: what comes from here on wakes the next pause
            try:
                if self._failures >= PATIENT:
                    await give_up_late(self._database, self.name, datetime.now(UTC))
                started = await self._start_due()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("courier %s waits: %r", self.name, error)
                started = 0
            if not started:
                await self._pause()

    async def finish(self) -> None:
        """At the end of the process: let the calls under way be noted."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._messenger.close()

    async def _start_due(self) -> int:
        """Begin as many as the platform's limits and our own let; how many."""
        most = 1 if self._failures >= PATIENT else IN_FLIGHT
        room = min(most - len(self._running), self._messenger.pace.room(time.monotonic()))
        if room <= 0:
            return 0
        claimed = await self._claim(room)
        for one in claimed:
            task = asyncio.create_task(self._send(one))
            self._running.add(task)
            task.add_done_callback(self._done)
        return len(claimed)

    async def _claim(self, most: int) -> Sequence[Claimed]:
        now = datetime.now(UTC)
        async with self._database.transaction() as tx:
            rows = await tx.fetch(_CLAIM, self.name, now, now + LEASE, most)
        return [Claimed(*row) for row in rows]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()  # there is room, and the next of its sequence may go
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("courier %s could not note what came of a delivery: %r", self.name, error)

    async def _pause(self) -> None:
        """Until something happens, the platform's limits let the next one go, or the table is due for a look."""
        seconds = probe_pause(self._failures)
        if self._failures < PATIENT:
            seconds = min(SWEEP_SECONDS, self._messenger.pace.wait(time.monotonic()) or SWEEP_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
                if self._failures >= PATIENT:  # what comes meanwhile waits in the table
                    await asyncio.sleep(seconds)
        except TimeoutError:
            return

    async def _send(self, claimed: Claimed) -> None:
        """One call and its outcome."""
        account = self._sealer.readable(claimed.account)
        if account is None:
            outcome = Outcome(claimed.localid, Fate.REFUSED, detail=UNREADABLE)
        else:
            outcome = await self._hand_over(claimed, account)
        self._failures = self._failures + 1 if outcome.fate is Fate.RETRY else 0
        if outcome.after:
            self._messenger.pace.hold(outcome.after, time.monotonic())
        self._report(outcome)
        await self._record(claimed, outcome)

    async def _hand_over(self, claimed: Claimed, account: str) -> Outcome:
        wait = self._messenger.pace.take(account, time.monotonic())
        if wait:
            await asyncio.sleep(wait)
        letter = _letter(claimed, account)
        if not telemetry.follows(claimed.traceparent):
            return await self._try(letter)
        with telemetry.span("send", claimed.traceparent, telemetry.SpanKind.CLIENT, {"means": self.name}):
            return await self._try(letter)

    async def _try(self, letter: Letter) -> Outcome:
        """An answer that the adapter cannot read counts as none: else it would be tried, and its chat wait, for ever.
        The error's words may hold the chat."""
        try:
            return await self._messenger.send(letter)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("courier %s: %s in %s:%d", self.name, type(error).__name__, place.name, place.lineno or 0)
            return Outcome(letter.localid, Fate.RETRY, detail=NO_ANSWER, unknown=True)

    async def _record(self, claimed: Claimed, outcome: Outcome) -> None:
        """Until it is noted: what is forgotten would be sent a second time."""
        while True:
            try:
                async with self._database.transaction() as tx:
                    await record_outcomes({claimed.localid: claimed}, [outcome], tx)
                return
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(RECORD_SECONDS)

    def _report(self, outcome: Outcome) -> None:
        telemetry.HANDED.add(1, {"means": self.name.partition("/")[0], "outcome": outcome.fate.value})
        if outcome.fate is Fate.SENT:
            return
        level = logging.ERROR if outcome.slow else logging.WARNING
        log.log(level, "%s: %s, %s", self.name, outcome.fate.value, outcome.detail)


def probe_pause(failures: int) -> float:
    """Seconds between two probes after so many failures in a row, a month's of them too: 2.0 ** 1024 is an error."""
    return max(SWEEP_SECONDS, min(LONGEST_PAUSE, 2.0 ** min(failures - PATIENT, 10)))


async def give_back_orphans(database: Database, known: Sequence[str], now: datetime) -> int:
    """What is due by means that are no longer set goes by SMS or is given up; how many there were."""
    return await _take_back(database, NOT_SET, _ORPHANS, now, LEASE, [SMS, *known])


async def give_up_late(database: Database, means: str, now: datetime) -> int:
    """What is due by means that fail, and past its time, goes by SMS or is given up; how many there were."""
    oldest = [now - patience(means, prompt=prompt) for prompt in (True, False)]
    found = await _take_back(database, TOO_LATE, _LATE, now, LEASE, means, *oldest)
    if found:
        log.warning("courier %s: %d deliveries were due for too long", means, found)
    return found


async def _take_back(database: Database, why: str, query: str, *given: object) -> int:
    async with database.transaction() as tx:
        claimed = {row[0]: Claimed(*row) for row in await tx.fetch(query, *given)}
        refused = [Outcome(localid, Fate.REFUSED, detail=why) for localid in claimed]
        if refused:
            await record_outcomes(claimed, refused, tx)
    return len(claimed)


def _letter(claimed: Claimed, account: str) -> Letter:
    return Letter(
        claimed.localid,
        claimed.id,
        account,
        claimed.text,
        claimed.told,
        claimed.created_at,
        code=claimed.code,
        offer=claimed.offer,
    )
