"""Kafka clients with the settings that nothing may be lost or doubled with, and the streams themselves."""

import asyncio
import logging
import zlib
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from common.events import Stream

log = logging.getLogger(__name__)
PARTITIONS = 12
_FOURTEEN_DAYS = str(14 * 24 * 3600 * 1000)
CLOSE_SECONDS = 5.0


def partition_of(key: bytes) -> int:
    """The partition of a key, for every producer of ours; CRC-32 in C, where Kafka's own hash is Python here."""
    return zlib.crc32(key) % PARTITIONS


def _partitioner(key: bytes | None, every: Sequence[int], _available: Sequence[int]) -> int:
    return every[partition_of(key or b"") % len(every)]


def group_of(service: str, stream: Stream) -> str:
    """The consumer group in which a service reads a stream. Each lane has its own: in one group a rebalance of the
    bulk, which waits for a batch of 500, would hold up both, and a static member cannot be there twice."""
    return f"{service}-urgent" if stream is Stream.URGENT else service


def producer(servers: str) -> AIOKafkaProducer:
    """A producer that waits for every replica in sync and never writes a record twice."""
    return AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=256 * 1024,
        request_timeout_ms=10_000,
        retry_backoff_ms=100,
        metadata_max_age_ms=60_000,
        partitioner=_partitioner,
    )


def consumer(servers: str, group: str, instance: str | None) -> AIOKafkaConsumer:
    """A consumer whose offsets are committed by hand, after the database."""
    return AIOKafkaConsumer(
        bootstrap_servers=servers,
        group_id=group,
        group_instance_id=instance,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=300_000,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=2_000,
        rebalance_timeout_ms=30_000,
        request_timeout_ms=10_000,
        retry_backoff_ms=100,
        metadata_max_age_ms=30_000,
        fetch_max_wait_ms=500,
        max_partition_fetch_bytes=1024 * 1024,
    )


async def close(client: AIOKafkaProducer | AIOKafkaConsumer) -> bool:
    """Stop a client; whether it did. Without a broker aiokafka would wait for ever."""
    try:
        await asyncio.wait_for(client.stop(), CLOSE_SECONDS)
    except (OSError, KafkaError) as error:
        log.info("a Kafka client did not close in order: %r", error)
        return False
    return True


async def create_streams(servers: str, replication: int = 1) -> list[str]:
    """Create the streams that do not exist; names of those created. Partitions are never changed in place."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        answer = await admin.create_topics(list(_streams(replication)))
    finally:
        await admin.close()
    created = []
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"{name} could not be created")
        if not code:
            created.append(name)
    return created


def _streams(replication: int) -> Iterable[NewTopic]:
    for stream in Stream:
        for name in (stream.value, stream.dead_letters):
            forever = stream is Stream.ACTIVITY or name == stream.dead_letters
            yield NewTopic(
                name,
                PARTITIONS,
                replication,
                topic_configs={"retention.ms": "-1" if forever else _FOURTEEN_DAYS, "compression.type": "producer"},
            )
