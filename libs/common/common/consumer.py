"""The consumer of one stream: poll, decode, skip what was seen, handle, commit rows and events, then the offsets.

Whatever happens between two of these steps, the record comes again and the inbox knows it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from common import kafka, telemetry
from common.db import Database, Transaction
from common.dead_letter import DeadLetters
from common.envelope import Record, split
from common.errors import Stray, is_transient
from common.events import Event, Stream
from common.health import Pulse
from common.inbox import claim_unseen, release

log = logging.getLogger(__name__)

Handler = Callable[[Sequence[Any], Transaction], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]
COMMIT_SECONDS = 10.0
REBALANCE_SECONDS = 15.0
FINISH_SECONDS = 5.0
PAUSE = 0.5  # seconds between tries of a batch
# Under load a batch is let grow: its fetch, its eight round trips and its offsets cost as much for 5 records as for
# 100. A few records, as in quiet hours, are handled at once.
BUSY = 30  # records; at 100 a second a pause brings 11, and so does not bring the next one
GATHER = 0.1  # seconds
GIVE_WAY_LOOK = 0.02  # seconds
GIVE_WAY_SECONDS = 5.0  # a batch waits no longer for a lane that goes first, so nothing waits for ever


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Reads one stream for one service; every replica is a member of the group named like the service."""

    def __init__(self, service: str, stream: Stream, handlers: Handlers, *, database: Database, pulse: Pulse) -> None:
        self._service = service
        self._stream = stream
        self._handlers = handlers
        self._database = database
        self._pulse = pulse
        self._busy = asyncio.Lock()
        self._bad_in_a_row = 0
        self.goes_first: Sequence[Consumer] = ()  # others of the process that this one lets catch up
        self.behind = True  # more waits than the last poll brought; until the first poll nobody knows
        self.stopped: str | None = None

    async def run(self, servers: str, *, batch: int, instance: str | None, dead_letter_limit: int) -> None:
        """Consume until cancelled, or until too many dead letters in a row say that something is wrong."""
        self._dead_letters = DeadLetters(self._service, servers, self._stream)
        while self.stopped is None:
            client = kafka.consumer(servers, kafka.group_of(self._service, self._stream), instance)
            try:
                client.subscribe([self._stream.value], listener=self)
                await client.start()
                await self._consume(client, batch, dead_letter_limit)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("consumer of %s waits: %r", self._stream, error)
            finally:
                closed = await kafka.close(client)
                await self._dead_letters.close()
            if not closed:  # a member that lives on in the background keeps its partitions from everyone
                raise RuntimeError(f"the consumer of {self._stream} does not close; a new process can")
            self._pulse.beat()
            await asyncio.sleep(PAUSE)
        while True:  # stopped on purpose: alive, not ready, and saying why
            self._pulse.beat()
            await asyncio.sleep(10)

    async def _consume(self, client: AIOKafkaConsumer, batch: int, dead_letter_limit: int) -> None:
        while self.stopped is None:
            self._pulse.beat()
            await self._give_way()
            polled = await client.getmany(timeout_ms=1000, max_records=batch)
            records = [record for part in polled.values() for record in part]
            self.behind = len(records) == batch or sum(left_behind(client, records).values()) >= BUSY
            if not records:
                continue
            async with self._busy:
                await self._process(records)
                await self._commit(client, records)
            self._report_lag(client, records)
            if BUSY <= len(records) < batch:
                await asyncio.sleep(GATHER)
            if self._bad_in_a_row >= dead_letter_limit:
                self._stop(dead_letter_limit)

    async def _give_way(self) -> None:
        """Let those that go first have the processor and the database while they are behind, bounded."""
        tries = int(GIVE_WAY_SECONDS / GIVE_WAY_LOOK)
        while tries > 0 and any(first.behind and not first.stopped for first in self.goes_first):
            tries -= 1
            await asyncio.sleep(GIVE_WAY_LOOK)  # polled, for it is three states of two loops that may end it

    async def _process(self, records: Sequence[Record]) -> None:
        """What one poll brought, to its end: rows and events committed, poison acknowledged elsewhere."""
        events, poison = split(records)
        while True:
            try:
                poison = [*poison, *await self._handle(events)]
                events = []
                await self._dead_letters.put(poison)
                break
            except Exception as error:
                if not is_transient(error):
                    raise
                await self._pause(error)
        wrong = sum(not isinstance(error, Stray) for _, error in poison)
        self._bad_in_a_row = self._bad_in_a_row + wrong if len(poison) == len(records) else 0

    async def _handle(self, events: Sequence[tuple[Event, Record]]) -> list[tuple[Record, Exception]]:
        """All in one transaction, some of them set aside; if that fails for ever, one by one to find the culprits."""
        if not events:
            return []
        try:
            strays = await self._transact([event for event, _ in events])
            return [(record, strays[event.id]) for event, record in events if event.id in strays]
        except Exception as error:
            if is_transient(error):
                raise
            if len(events) == 1:
                return [(events[0][1], error)]
        culprits: list[tuple[Record, Exception]] = []
        for one in events:
            culprits += await self._handle([one])
        return culprits

    async def _transact(self, events: Sequence[Event]) -> Mapping[UUID, Stray]:
        traced = next((e.traceparent for e in events if telemetry.follows(e.traceparent)), None)
        if traced is None:
            return await self._commit_events(events)
        with telemetry.span(f"consume {self._stream}", traced, telemetry.SpanKind.CONSUMER, {"events": len(events)}):
            return await self._commit_events(events)

    async def _commit_events(self, events: Sequence[Event]) -> Mapping[UUID, Stray]:
        async with self._database.transaction() as tx:
            unseen = await claim_unseen(tx.driver, events)
            tx.caused_by(unseen)
            for kind, handler in self._handlers.items():
                if fresh := [event for event in unseen if type(event) is kind]:
                    await handler(fresh, tx)
            await release(tx.driver, tx.strays)
        telemetry.CONSUMED.add(len(unseen) - len(tx.strays), {"stream": self._stream.value})
        if len(unseen) < len(events):
            telemetry.SEEN_BEFORE.add(len(events) - len(unseen), {"stream": self._stream.value})
        return tx.strays

    async def _commit(self, client: AIOKafkaConsumer, records: Sequence[Record]) -> None:
        try:
            await asyncio.wait_for(client.commit(next_offsets(records)), COMMIT_SECONDS)
        except (TimeoutError, KafkaError, IllegalStateError) as error:
            # A rebalance, or Kafka is away: the next commit says as much, and until then the inbox protects.
            log.warning("offsets of %s not committed; the inbox protects: %r", self._stream, error)

    async def _pause(self, error: Exception) -> None:
        telemetry.CONSUME_RETRIES.add(1, {"stream": self._stream.value})
        log.warning("consumer of %s keeps its batch and waits: %r", self._stream, error)
        self._pulse.beat()
        await asyncio.sleep(PAUSE)

    def _stop(self, limit: int) -> None:
        self.stopped = (
            f"{limit} dead letters in a row from {self._stream}: look at {self._stream.dead_letters}, restart"
        )
        telemetry.STOPPED.set(1, {"stream": self._stream.value})
        log.critical(self.stopped)

    def _report_lag(self, client: AIOKafkaConsumer, records: Sequence[Record]) -> None:
        for partition, left in left_behind(client, records).items():
            telemetry.LAG.set(left, {"stream": partition.topic, "partition": partition.partition})

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Let the batch in flight end before another member gets its partitions, bounded."""
        try:
            await asyncio.wait_for(self._busy.acquire(), REBALANCE_SECONDS)
            self._busy.release()
        except TimeoutError:
            log.warning("a batch of %s outlived a rebalance; the inbox protects", self._stream)

    async def finish(self) -> None:
        """Let the batch in flight end and begin no other; before the task is cancelled."""
        try:
            await asyncio.wait_for(self._busy.acquire(), FINISH_SECONDS)
        except TimeoutError:
            log.warning("a batch of %s is left unfinished; it comes again", self._stream)

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing to do: positions are the committed offsets."""

    async def ready(self) -> str | None:
        """Why this consumer does not work, if so."""
        return self.stopped


def left_behind(client: AIOKafkaConsumer, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
    """How many records, as far as the last fetch knows, wait behind these in each of their partitions."""
    assigned = client.assignment()
    ends = {
        part: (client.highwater(part), offset) for part, offset in next_offsets(records).items() if part in assigned
    }
    return {part: end - offset for part, (end, offset) in ends.items() if end is not None}


def next_offsets(records: Sequence[Record]) -> dict[TopicPartition, int]:
    """For each partition the offset after its last record."""
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
