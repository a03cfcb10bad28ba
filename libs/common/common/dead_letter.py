"""Dead letters: records that can never be handled, put aside with their cause, and sent again once mended.

A dead letter is the record as it was, with `dlq_cause`, `dlq_stream`, `dlq_partition`, `dlq_offset`, `dlq_service`
and `dlq_at` beside its own headers. It is acknowledged before the offset of its origin is committed.
"""

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from opentelemetry.metrics import Counter

from common import kafka, telemetry
from common.envelope import Headers, Record, decode
from common.errors import Poison, Stray, cause_of
from common.events import BY_NAME, Stream

log = logging.getLogger(__name__)
_PREFIX = "dlq_"
ACK_SECONDS = 20.0


class DeadLetters:
    """Puts poison aside for one service."""

    def __init__(self, service: str, servers: str, stream: Stream) -> None:
        self._service = service.encode()
        self._servers = servers
        self._stream = stream
        self._producer: AIOKafkaProducer | None = None

    async def put(self, poison: Sequence[tuple[Record, Exception]]) -> None:
        """Acknowledged by Kafka when this returns; any error is one to try again after."""
        if not poison:
            return
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await self._send(poison)
        except BaseException:
            await self.close()  # an idempotent producer can wedge; the next try makes a new one
            raise
        self._note([one for one in poison if isinstance(one[1], Stray)], telemetry.STRAYS, logging.INFO)
        self._note([one for one in poison if not isinstance(one[1], Stray)], telemetry.DEAD_LETTERS, logging.ERROR)

    def _note(self, put: Sequence[tuple[Record, Exception]], counter: Counter, level: int) -> None:
        counter.add(len(put), {"stream": self._stream.value})
        for record, error in put[:5]:  # the rest can be read in the stream itself
            log.log(level, "dead letter: %s", cause_of(error), extra={"origin": _origin(record)})

    async def _send(self, poison: Sequence[tuple[Record, Exception]]) -> None:
        if self._producer is None:
            self._producer = kafka.producer(self._servers)
            await self._producer.start()
        sent = [
            await self._producer.send(
                self._stream.dead_letters,
                value=record.value,
                key=record.key,
                headers=[*record.headers, *self._cause(record, error)],
            )
            for record, error in poison
        ]
        await asyncio.gather(*sent)

    def _cause(self, record: Record, error: Exception) -> Headers:
        return [
            ("dlq_cause", cause_of(error).encode()),
            ("dlq_stream", record.topic.encode()),
            ("dlq_partition", str(record.partition).encode()),
            ("dlq_offset", str(record.offset).encode()),
            ("dlq_service", self._service),
            ("dlq_at", datetime.now(UTC).isoformat().encode()),
        ]

    async def close(self) -> None:
        """Stop the producer, if there is one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await kafka.close(producer)


def _origin(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


async def read(servers: str, stream: Stream, group: str | None = None) -> AsyncGenerator[Record, None]:
    """Every dead letter up to now, per key in the original order; with a group, those not yet taken."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(stream.dead_letters, n) for n in range(kafka.PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        open_ones = {p for p in partitions if await consumer.position(p) < ends[p]}
        while open_ones:
            for partition, records in (await consumer.getmany(*open_ones, timeout_ms=1000)).items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield record
            open_ones = {p for p in open_ones if await consumer.position(p) < ends[p]}
        if group:
            await consumer.commit(ends)
    finally:
        await kafka.close(consumer)


def as_line(record: Record) -> str:
    """A dead letter as one line of JSON that a person can read and mend; `replay` takes it back."""
    value = record.value or b""
    try:
        body = {"value": value.decode()}
    except UnicodeDecodeError:
        body = {"value_base64": base64.b64encode(value).decode()}
    headers = {name: text.decode("utf-8", "replace") for name, text in record.headers}
    line = {"key": (record.key or b"").decode("utf-8", "replace"), "headers": headers, **body}
    return orjson.dumps(line).decode()


def from_line(line: str) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers of a mended line; ValueError when it is not one."""
    document = orjson.loads(line)
    try:
        value = document["value"].encode() if "value" in document else base64.b64decode(document["value_base64"])
        headers = [(n, v.encode()) for n, v in document["headers"].items() if not n.startswith(_PREFIX)]
        return document["key"].encode(), value, headers
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"a line needs key, headers and value: {error!r}") from error


async def replay_lines(servers: str, stream: Stream, lines: Iterable[str]) -> int:
    """Send mended lines in the order given; how many. Sent twice, they count once. Each goes into the stream of its
    event, or into `stream` when it names none that is known."""
    mended = [from_line(line) for line in lines if line.strip()]
    for own in Stream:
        await _resend(servers, own, [one for one in mended if _stream_of(one[2], stream) is own])
    return len(mended)


def _stream_of(headers: Headers, otherwise: Stream) -> Stream:
    kind = BY_NAME.get(dict(headers).get("ce_type", b"").decode("utf-8", "replace"))
    return kind.stream if kind else otherwise


async def replay_readable(servers: str, service: str, stream: Stream) -> tuple[int, int]:
    """Send every dead letter not yet replayed that is an event by now: (sent again, left aside).

    They count as replayed when all are acknowledged. What is left aside goes to the end, for the next replay.
    """
    again = left = 0
    producer = kafka.producer(servers)
    await producer.start()
    try:
        async with aclosing(read(servers, stream, group=f"{service}-replay")) as letters:
            async for letter in letters:
                to, headers = _sent_to(letter, stream)
                await producer.send_and_wait(to, value=letter.value, key=letter.key, headers=headers)
                again, left = again + (to == stream), left + (to != stream)
    finally:
        await kafka.close(producer)
    return again, left


def _sent_to(letter: Record, stream: Stream) -> tuple[str, Headers]:
    """Where a dead letter goes, and with which headers: into the stream as it was once it is an event, else back."""
    headers = [(name, value) for name, value in letter.headers if not name.startswith(_PREFIX)]
    try:
        decode(stream, headers, letter.value)
    except Poison:
        return stream.dead_letters, list(letter.headers)
    return stream.value, headers


async def _resend(servers: str, stream: Stream, records: Sequence[tuple[bytes, bytes, Headers]]) -> None:
    if not records:
        return
    producer = kafka.producer(servers)
    await producer.start()
    try:
        sent = [await producer.send(stream.value, value=v, key=k, headers=h) for k, v, h in records]
        await asyncio.gather(*sent)
    finally:
        await kafka.close(producer)
