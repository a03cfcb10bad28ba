"""The relay: publishes what the outbox says is pending, then strikes it off.

One relay per database is active (an advisory lock). What its own process commits is handed over in memory;
other replicas say NOTIFY; and a sweep of the table finds what either missed. Urgent messages go ahead of what
waits: they have a stream of their own, so no order is broken, and are struck off with what they were stored with. A
crash between the broker's acknowledgement and the strike publishes again, with the same ids: the consumers' inboxes
skip them.
"""

import asyncio
import logging
import time
from asyncio import Future
from collections import deque
from collections.abc import Awaitable, Iterator, Sequence
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from common import envelope, kafka, outbox, telemetry
from common.db import Database
from common.errors import is_transient
from common.health import Pulse
from common.outbox import Driver, Outgoing, Parcel

log = logging.getLogger(__name__)

LOCK = 7203002  # of pg_advisory_lock, in the service's own database
BATCH = 1000  # events sent at a time, or a few more: parcels are not cut
MOST_SWEPT = 10  # parcels read from the table at a time, up to 500 events each
MOST_IN_MEMORY = 20_000  # events; beyond, they are read from the table again; some 30 MB
SWEEP_EVERY = 5.0  # seconds
ACK_SECONDS = 20.0
BUSY = 20  # events in a batch from which on the next one is let grow
GATHER = 0.05  # seconds


class Relay:
    """Publishes a service's outbox, in order, for as long as it holds the lock."""

    def __init__(self, service: str, database: Database, servers: str, pulse: Pulse) -> None:
        self._source = f"/pasokh/{service}".encode()
        self._database = database
        self._servers = servers
        self._pulse = pulse
        self._waiting: deque[Parcel] = deque()
        self._events_waiting = 0
        self._behind = True  # the table holds what memory does not
        self._urgent: dict[UUID, Outgoing] = {}  # to go ahead of their parcels
        self._ahead: set[UUID] = set()  # gone ahead of parcels that still wait
        self._more_urgent = False  # the table holds urgent ones that memory does not
        self._wake = asyncio.Event()
        self._lock: Driver | None = None
        self._producer: AIOKafkaProducer | None = None
        self._next_sweep = 0.0
        self.leading = False
        database.relay = self

    def hand(self, committed: Parcel) -> None:
        """Take events that were just committed; past the bound they are left to the table."""
        if not self.leading:
            return
        if len(self._urgent) < MOST_IN_MEMORY:
            self._urgent |= outbox.going_ahead(committed)
        else:
            self._more_urgent = True
        if self._behind or self._events_waiting > MOST_IN_MEMORY:
            self._behind = True
        else:
            self._waiting.append(committed)
            self._events_waiting += len(committed.events)
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                await self._become_leader()
                await self._publish_waiting()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("relay waits: %r", error)
                await self._start_over()

    async def drain(self, seconds: float) -> None:
        """Publish what is left, when `run` has been cancelled; bounded, for the table keeps it anyway."""
        self._behind = True  # a batch that was under way is in the table alone, and comes first
        try:
            async with asyncio.timeout(seconds):
                while self.leading and (self._waiting or self._behind):
                    await self._turn()
        except Exception as error:
            log.warning("relay leaves its rest to the next start: %r", error)
        await self._start_over(pause=0)

    async def _publish_waiting(self) -> None:
        while True:
            self._pulse.beat()
            if self._lock is None or self._lock.is_closed():
                raise ConnectionError("the relay's lock is gone")
            await self._turn()
            if not self._waiting and not self._behind:
                await self._sleep()

    async def _turn(self) -> None:
        await self._publish_urgent()
        if self._behind or time.monotonic() > self._next_sweep:
            await self._sweep()
        elif self._waiting:
            batch = self._take()
            await self._publish(batch)
            if BUSY <= sum(len(parcel.events) for parcel in batch) < BATCH:
                await asyncio.sleep(GATHER)

    def _take(self) -> list[Parcel]:
        taken: list[Parcel] = []
        events = 0
        while self._waiting and events < BATCH:
            taken.append(self._waiting.popleft())
            events += len(taken[-1].events)
        self._events_waiting -= events
        return taken

    async def _publish_urgent(self) -> None:
        """Ahead of what waits, where more waits than the next batch takes; struck off with their parcels, later."""
        if self._more_urgent:
            async with self._database.transaction() as tx:
                found = await outbox.pending_ahead(tx.driver, BATCH, but=self._ahead)
            self._more_urgent = len(found) == BATCH
            self._urgent |= {event.id: event for event in found}
        if self._urgent and (self._behind or self._events_waiting > BATCH):
            urgent, self._urgent = self._urgent, {}
            await self._send_traced(list(urgent.values()))
            self._ahead.update(urgent)

    async def _sweep(self) -> None:
        """Publish from the table, until it has no more than what is handed over from now on."""
        self._next_sweep = time.monotonic() + SWEEP_EVERY
        self._behind = False  # whoever commits from here on finds its rows read below, or in memory
        self._forget_waiting()
        async with self._database.transaction() as tx:
            batch = await outbox.pending(tx.driver, MOST_SWEPT)
        swept = {seq for parcel in batch for seq in parcel.seqs}
        await self._publish(batch)
        left = [parcel for parcel in self._waiting if not swept.issuperset(parcel.seqs)]
        self._forget_waiting()
        self._waiting.extend(left)
        self._events_waiting = sum(len(parcel.events) for parcel in left)
        if len(batch) == MOST_SWEPT:
            self._behind = True

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._events_waiting = 0

    async def _publish(self, batch: Sequence[Parcel]) -> None:
        """Acknowledged by Kafka, then struck off."""
        if not batch:
            return
        events = [event for parcel in batch for event in parcel.events if event.id not in self._ahead]
        await self._send_traced(events)
        async with self._database.transaction() as tx:
            await outbox.strike(tx.driver, batch)
        self._forget_urgent(batch)

    def _forget_urgent(self, struck: Sequence[Parcel]) -> None:
        if self._urgent or self._ahead:
            for event in (event for parcel in struck for event in parcel.events):
                self._urgent.pop(event.id, None)
                self._ahead.discard(event.id)

    async def _send_traced(self, events: Sequence[Outgoing]) -> None:
        parent = next((row.traceparent for row in events if telemetry.follows(row.traceparent)), None)
        if parent is None:
            await self._send(events)
        else:
            with telemetry.span("relay", parent, telemetry.SpanKind.PRODUCER, {"events": len(events)}):
                await self._send(events)
        telemetry.RELAYED.add(len(events))

    async def _send(self, events: Sequence[Outgoing]) -> None:
        async with asyncio.timeout(ACK_SECONDS):
            producer = await self._get_producer()
            acknowledgements = [await send for send in self._batches(producer, events)]
            await asyncio.gather(*acknowledgements)

    def _batches(self, producer: AIOKafkaProducer, rows: Sequence[Outgoing]) -> Iterator[Awaitable[Future[object]]]:
        """Rows as one batch a partition: a future each instead of one a record."""
        parts: dict[tuple[str, int], list[Outgoing]] = {}
        for row in rows:
            parts.setdefault((row.stream, kafka.partition_of(row.key.encode())), []).append(row)
        for (stream, partition), own in parts.items():
            builder = producer.create_batch()
            for row in own:
                record = {"key": row.key.encode(), "value": row.body.encode(), "timestamp": None}
                headers = envelope.headers_of(row, self._source)
                if builder.append(**record, headers=headers) is None:  # full, at 256 KiB
                    yield producer.send_batch(builder, stream, partition=partition)
                    builder = producer.create_batch()
                    builder.append(**record, headers=headers)
            yield producer.send_batch(builder, stream, partition=partition)

    async def _get_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = kafka.producer(self._servers)
            try:
                await producer.start()
            except BaseException:
                await kafka.close(producer)
                raise
            self._producer = producer
        return self._producer

    async def _become_leader(self) -> None:
        if self._lock is None:
            self._lock = await asyncpg.connect(self._database.address, timeout=5, command_timeout=10)
            await self._lock.add_listener(outbox.CHANNEL, self._on_notify)
        while not self.leading:
            self._pulse.beat()
            self.leading = bool(await self._lock.fetchval("SELECT pg_try_advisory_lock($1)", LOCK))
            telemetry.RELAY_LEADING.set(int(self.leading))
            if not self.leading:
                await asyncio.sleep(1)
        self._behind = self._more_urgent = True

    def _on_notify(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._behind = True
        self._more_urgent |= payload == outbox.AHEAD
        self._wake.set()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_EVERY):
                await self._wake.wait()
        except TimeoutError:
            self._behind = True
        self._wake.clear()

    async def _start_over(self, pause: float = 0.5) -> None:
        """After an error: a new producer (an idempotent one can wedge), a new lock, the table again."""
        self.leading = False
        self._behind = True
        self._forget_waiting()
        self._urgent, self._ahead = {}, set()
        producer, self._producer = self._producer, None
        lock, self._lock = self._lock, None
        if producer is not None:
            telemetry.RELAY_FAILURES.add(1)
            await kafka.close(producer)
        if lock is not None:
            lock.terminate()
        self._pulse.beat()
        await asyncio.sleep(pause)
