"""Rebuild: forget every fact and read `activity.v1` from its beginning, which keeps everything."""

import logging

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from common.db import Database
from common.events import Stream
from common.kafka import PARTITIONS, close

from reporting.models import FACTS, table

log = logging.getLogger(__name__)
GROUP = "reporting"


class StillRunning(Exception):
    """Reporting consumes; it would take up what is being forgotten."""


async def rebuild(database: Database, servers: str) -> None:
    """Empty the facts and the inbox, and move the group to the beginning; StillRunning when a member is active."""
    if await _members(servers):
        raise StillRunning("stop every replica of reporting first, then rebuild, then start it again")
    async with database.transaction() as tx:
        names = ", ".join([*(table(fact).name for fact in FACTS), "inbox"])
        await tx.execute(f"TRUNCATE {names}")
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(Stream.ACTIVITY.value, n) for n in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.commit(await consumer.beginning_offsets(partitions))
    finally:
        await close(consumer)


async def _members(servers: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        answers = await admin.describe_consumer_groups([GROUP])
    finally:
        await admin.close()
    return sum(len(group[5]) for answer in answers for group in answer.groups)
