"""Outbox and relay against real Kafka and PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from common import outbox
from common.app import end
from common.db import Database
from common.events import CaseEvent, Channel, Stream, UrgentMessageAmended, UrgentMessageReceived
from common.health import Health
from common.partitions import prepare_days
from common.relay import Relay
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from workbench.kafka import Kafka
from workbench.postgres import Postgres

from tests.builders import NOW, a_database, a_message


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    yield made
    await made.close()


@contextlib.asynccontextmanager
async def relaying(database: Database, kafka: Kafka) -> AsyncIterator[Relay]:
    relay = Relay("test", database, kafka.servers, Health().pulse("relay"))
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        await end(task)
        await relay.drain(5)


async def commit(database: Database, *messages: CaseEvent) -> None:
    async with database.transaction() as tx:
        tx.publish(*messages)


async def commit_and_fail(database: Database, message: CaseEvent) -> None:
    async with database.transaction() as tx:
        tx.publish(message)
        raise ZeroDivisionError


async def pending(database: Database) -> int:
    async with database.transaction() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM outbox_pending"))


async def until_struck(database: Database) -> None:
    async with asyncio.timeout(90):
        while await pending(database):
            await asyncio.sleep(0.02)


async def published(kafka: Kafka, keys: set[str]) -> list[tuple[str, bytes]]:
    """(key, ce_id) of all records with these keys, in order."""
    consumer = AIOKafkaConsumer(Stream.MESSAGES, bootstrap_servers=kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[tuple[str, bytes]] = []
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(r.key.decode(), dict(r.headers)["ce_id"]) for r in records if r.key.decode() in keys]
        return found
    finally:
        await consumer.stop()


async def test_what_is_committed_is_published_and_struck_off(database: Database, kafka: Kafka) -> None:
    messages = [a_message() for _ in range(50)]
    async with relaying(database, kafka):
        await commit(database, *messages)
        await until_struck(database)
    found = await published(kafka, {m.code for m in messages})
    assert sorted(found) == sorted((m.code, str(m.id).encode()) for m in messages)


async def test_what_is_rolled_back_is_never_published(database: Database, kafka: Kafka) -> None:
    message = a_message()
    async with relaying(database, kafka):
        with pytest.raises(ZeroDivisionError):
            await commit_and_fail(database, message)
        await commit(database, other := a_message())
        await until_struck(database)
    assert [key for key, _ in await published(kafka, {message.code, other.code})] == [other.code]


async def test_what_a_crash_left_pending_is_found_by_the_next_relay(database: Database, kafka: Kafka) -> None:
    messages = [a_message() for _ in range(2500)]
    await commit(database, *messages)
    async with relaying(database, kafka):
        await until_struck(database)
    assert len(await published(kafka, {m.code for m in messages})) == 2500


async def test_a_crash_between_ack_and_strike_publishes_again_with_the_same_id(
    database: Database, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = a_message()

    async def dies(*_: object) -> None:
        raise ConnectionError("killed before the strike")

    with monkeypatch.context() as crash:
        crash.setattr(outbox, "strike", dies)
        async with relaying(database, kafka):
            await commit(database, message)
            async with asyncio.timeout(90):
                while not await published(kafka, {message.code}):
                    await asyncio.sleep(0.05)
    assert await pending(database) == 1
    async with relaying(database, kafka):
        await until_struck(database)
    assert {ce_id for _, ce_id in await published(kafka, {message.code})} == {str(message.id).encode()}


async def test_only_one_relay_leads_and_hears_of_the_others_commits(
    database: Database, postgres: Postgres, kafka: Kafka
) -> None:
    async with relaying(database, kafka) as first:
        async with asyncio.timeout(30):
            while not first.leading:
                await asyncio.sleep(0.02)
        replica = Database(database.address)
        async with relaying(replica, kafka) as second:
            await commit(replica, message := a_message())
            await until_struck(database)
            assert (first.leading, second.leading) == (True, False)
        await replica.close()
    assert len(await published(kafka, {message.code})) == 1


async def test_a_pending_row_whose_day_is_gone_does_not_hold_up_the_others(database: Database, kafka: Kafka) -> None:
    async with database.transaction() as tx:
        gone = "SELECT '2020-01-01'::date, ARRAY[gen_random_uuid()] FROM generate_series(1, 30)"
        await tx.execute(f"INSERT INTO outbox_pending (day, ids) {gone}")
    await commit(database, message := a_message())
    async with relaying(database, kafka):
        await until_struck(database)
    assert len(await published(kafka, {message.code})) == 1


async def test_a_relay_that_ends_in_the_middle_of_a_batch_publishes_it_before_what_came_later(
    database: Database, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_message(), a_message()
    begun = asyncio.Event()

    async def never(*_: object) -> None:
        begun.set()
        await asyncio.sleep(60)

    relay = Relay("test", database, kafka.servers, Health().pulse("relay"))
    async with asyncio.timeout(90):
        task = asyncio.create_task(relay.run())
        while not relay.leading:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)  # its first sweep
        with monkeypatch.context() as stuck:
            stuck.setattr(relay, "_send", never)
            await commit(database, first)
            await begun.wait()
            await commit(database, second)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await relay.drain(5)
    assert await pending(database) == 0
    assert {key for key, _ in await published(kafka, {first.code, second.code})} == {first.code, second.code}


async def when(kafka: Kafka, stream: Stream, keys: set[str]) -> list[int]:
    """When the records with these keys were published, in ms."""
    consumer = AIOKafkaConsumer(stream, bootstrap_servers=kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[int] = []
        async with asyncio.timeout(90):
            while len(found) < len(keys):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [r.timestamp for r in records if r.key.decode() in keys]
        return found
    finally:
        await consumer.stop()


async def test_what_may_be_urgent_goes_ahead_of_what_waits_once_and_is_struck_off(
    database: Database, kafka: Kafka
) -> None:
    bulk = [a_message() for _ in range(3000)]
    for n in range(0, 3000, 50):
        await commit(database, *bulk[n : n + 50])
    urgent = UrgentMessageReceived.model_validate(dict(a_message()))
    await commit(database, bulk[0].model_copy(update={"id": a_message().id}), urgent)
    async with relaying(database, kafka):
        await until_struck(database)
    sent = await when(kafka, Stream.URGENT, {urgent.code})
    assert len(sent) == 1
    assert sent[0] <= min(await when(kafka, Stream.MESSAGES, {m.code for m in bulk}))


async def test_what_is_added_to_a_message_does_not_go_ahead_of_it(database: Database) -> None:
    message = a_message()
    added = UrgentMessageAmended(at=NOW, code=message.code, channel=Channel.SOCIAL, text="گاز", received_at=NOW)
    urgent = UrgentMessageReceived.model_validate(dict(a_message()))
    await commit(database, message, added, urgent)
    async with database.transaction() as tx:
        ahead = await outbox.pending_ahead(tx.driver, 10, but=())
        [parcel] = await outbox.pending(tx.driver, 10)
    assert [event.id for event in ahead] == list(outbox.going_ahead(parcel)) == [urgent.id]


async def test_republish_makes_events_pending_again(database: Database, kafka: Kafka) -> None:
    messages = [a_message(at=datetime.now(UTC)) for _ in range(5)]
    async with relaying(database, kafka):
        await commit(database, *messages)
        await until_struck(database)
        async with database.transaction() as tx:
            assert await outbox.republish(tx.driver, datetime.now(UTC) - timedelta(hours=1)) == 5
        await until_struck(database)
    assert len(await published(kafka, {m.code for m in messages})) == 10


async def test_republish_goes_by_when_an_event_was_stored_not_by_when_it_happened(database: Database) -> None:
    await commit(database, a_message(at=datetime.now(UTC) - timedelta(days=6)))
    for since, count in ((timedelta(minutes=-1), 0), (timedelta(minutes=1), 1), (timedelta(days=20), 1)):
        async with database.transaction() as tx:
            assert await outbox.republish(tx.driver, datetime.now(UTC) - since) == count


async def test_a_day_that_a_fast_clock_has_filed_events_under_stops_nobody_when_it_comes(database: Database) -> None:
    today = datetime.now(UTC).date()
    ahead = datetime.now(UTC) + timedelta(days=20)
    early = a_message(id=UUID(int=int(ahead.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62))
    await commit(database, early)
    for days in (15, 20):
        async with database.transaction() as tx:
            await prepare_days(tx, today + timedelta(days=days))
            assert await tx.fetchval("SELECT count(*) FROM outbox WHERE id = $1", early.id) == 1


async def test_an_error_of_the_database_does_not_tell_what_was_to_be_stored(database: Database) -> None:
    with pytest.raises(DBAPIError) as found:
        async with database.transaction() as tx:
            await tx.session.execute(text("SELECT CAST(:words AS text), 1 / 0"), {"words": "+989121234567"})
    assert "989121234567" not in str(found.value)


async def test_days_are_made_ahead_and_dropped_when_over_but_not_while_pending(database: Database) -> None:
    today = datetime.now(UTC).date()
    await commit(database, a_message())
    async with database.transaction() as tx:
        await prepare_days(tx, today + timedelta(days=40))
        kept = {row[0] for row in await tx.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'outbox_2%'")}
    assert f"outbox_{today:%Y%m%d}" in kept  # it holds what was never published
    assert f"outbox_{today + timedelta(days=1):%Y%m%d}" not in kept
    assert f"outbox_{today + timedelta(days=47):%Y%m%d}" in kept
