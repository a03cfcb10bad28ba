"""The one consumer that every service uses, against real Kafka and PostgreSQL, with routing's tables and handlers."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import pytest
from common import dead_letter, envelope
from common import kafka as clients
from common.app import end
from common.consumer import Consumer, Handlers
from common.db import Database, Transaction
from common.dead_letter import replay_lines, replay_readable
from common.errors import Stray
from common.events import MessageReceived, Stream
from common.health import Health
from common.outbox import Outgoing
from workbench.kafka import Kafka
from workbench.postgres import Postgres

from tests.builders import a_database, a_message

T = TypeVar("T")


@dataclass
class Reading:
    """A service that notes which codes it handled, in its database, and fails as a test asks."""

    database: Database
    servers: str
    group: str
    broken: set[str] = field(default_factory=set)
    error: type[Exception] = ValueError  # of the broken
    strays: set[str] = field(default_factory=set)
    sizes: list[int] = field(default_factory=list)
    down: bool = False

    async def note(self, received: Sequence[MessageReceived], tx: Transaction) -> None:
        self.sizes.append(len(received))
        if self.down:
            raise ConnectionError("the database is away")
        for message in received:
            if message.code in self.broken:
                raise self.error(f"{message.code} can never be handled")
            if message.code in self.strays:
                tx.set_aside(message, Stray("a citizen named what is not there"))
                continue
            await tx.execute("INSERT INTO handled VALUES ($1)", message.code)

    async def handled(self) -> Counter[str]:
        async with self.database.transaction() as tx:
            return Counter(row[0] for row in await tx.fetch("SELECT code FROM handled"))

    @contextlib.asynccontextmanager
    async def member(self, limit: int = 5000) -> AsyncIterator[Consumer]:
        handlers: Handlers = {MessageReceived: self.note}
        pulse = Health().pulse("consumer")
        consumer = Consumer(self.group, Stream.MESSAGES, handlers, database=self.database, pulse=pulse)
        task = asyncio.create_task(consumer.run(self.servers, batch=100, instance=None, dead_letter_limit=limit))
        try:
            yield consumer
        finally:
            await end(task)

    async def until(self, codes: set[str], seconds: float = 90) -> Counter[str]:
        """Wait until all codes were handled; what was handled of them."""
        async with asyncio.timeout(seconds):
            while not codes <= (found := await self.handled()).keys():
                await asyncio.sleep(0.05)
        return Counter({code: found[code] for code in codes})


@pytest.fixture
async def reading(kafka: Kafka, postgres: Postgres, database_name: str) -> AsyncIterator[Reading]:
    database = await a_database(postgres, "routing", database_name)
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE handled (code text)")
    yield Reading(database, kafka.servers, database_name)
    await database.close()


async def publish(servers: str, *messages: MessageReceived, raw: Sequence[bytes] = ()) -> None:
    """Records as the relay makes them; and values as nobody should."""
    producer = clients.producer(servers)
    await producer.start()
    for m in messages:
        out = Outgoing(m.id, m.stream, m.key, m.name, m.at, None, m.model_dump_json())
        headers = envelope.headers_of(out, b"/pasokh/test")
        await producer.send_and_wait(m.stream, m.model_dump_json().encode(), m.key.encode(), headers=headers)
    for value in raw:
        await producer.send_and_wait(Stream.MESSAGES, value, b"raw")
    await producer.stop()


async def test_the_same_record_twice_is_handled_once(reading: Reading) -> None:
    message = a_message()
    await publish(reading.servers, message, message)
    async with reading.member():
        await reading.until({message.code})
        await publish(reading.servers, message, last := a_message())
        found = await reading.until({message.code, last.code})
    assert set(found.values()) == {1}


async def test_a_crash_between_the_commit_and_the_offset_handles_nothing_twice(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [a_message() for _ in range(30)]
    await publish(reading.servers, *messages)
    codes = {m.code for m in messages}

    async def dies(*_: object) -> None:
        raise ConnectionError("killed before the offset")

    with monkeypatch.context() as crash:
        crash.setattr(Consumer, "_commit", dies)
        async with reading.member(), asyncio.timeout(90):
            while not codes & (await reading.handled()).keys():
                await asyncio.sleep(0.05)
    async with reading.member():
        await publish(reading.servers, last := a_message())
        found = await reading.until(codes | {last.code})
    assert set(found.values()) == {1}


async def test_one_that_can_never_be_handled_is_put_aside_and_blocks_nobody(reading: Reading) -> None:
    messages = [a_message() for _ in range(20)]
    bad = messages[7].code
    reading.broken = {bad}
    await publish(reading.servers, *messages)
    async with reading.member():
        await reading.until({m.code for m in messages} - {bad})
        letters = await eventually(lambda: letters_of(reading, bad), lambda found: len(found) == 1)
    headers = dict(letters[0].headers)
    assert b"can never be handled" in headers["dlq_cause"]
    assert headers["dlq_stream"] == b"messages.v1"
    assert bad not in await reading.handled()
    assert 1 in reading.sizes


async def test_bytes_that_are_no_event_are_put_aside_with_their_cause(reading: Reading) -> None:
    await publish(reading.servers, raw=[b"", b"{", b"\xff\xfe", b'{"code": 1}'])
    await publish(reading.servers, good := a_message())
    async with reading.member():
        await reading.until({good.code})

        async def raw() -> list[envelope.Record]:
            letters = dead_letter.read(reading.servers, Stream.MESSAGES)
            own = reading.group.encode()
            return [r async for r in letters if r.key == b"raw" and dict(r.headers)["dlq_service"] == own]

        found = await eventually(raw, lambda letters: len(letters) >= 4)
    assert all(b"ce_type is missing" in dict(record.headers)["dlq_cause"] for record in found)


async def test_the_mended_are_replayed_once(reading: Reading) -> None:
    reading.broken = {(bad := a_message()).code}
    await publish(reading.servers, bad)
    async with reading.member():
        letters = await eventually(lambda: letters_of(reading, bad.code), bool)
        reading.broken = set()
        line = dead_letter.as_line(letters[0])
        assert await replay_lines(reading.servers, Stream.MESSAGES, [line, line, "\n"]) == 2
        found = await reading.until({bad.code})
        again, _ = await replay_readable(reading.servers, reading.group, Stream.MESSAGES)
        assert again >= 1
        await publish(reading.servers, last := a_message())
        found = await reading.until({bad.code, last.code})
    assert found[bad.code] == 1


async def test_what_is_not_readable_yet_is_left_to_the_next_replay_and_the_rest_is_sent_once(reading: Reading) -> None:
    reading.broken = {(bad := a_message()).code}
    await publish(reading.servers, bad, raw=[b"an event of a later version"])
    async with reading.member():
        await eventually(partial(letters_of, reading, bad.code), bool)
        await eventually(partial(letters_of, reading, "raw"), bool)
    again, left = await replay_readable(reading.servers, reading.group, Stream.MESSAGES)
    assert again >= 1
    assert left >= 1
    assert await replay_readable(reading.servers, reading.group, Stream.MESSAGES) == (0, left)


async def test_too_many_dead_letters_in_a_row_stop_the_consumer_which_says_so(reading: Reading) -> None:
    await publish(reading.servers, raw=[b"junk"] * 300)
    async with reading.member(limit=10) as consumer:
        async with asyncio.timeout(90):
            while consumer.stopped is None:
                await asyncio.sleep(0.05)
        assert "messages.v1.dlq" in (await consumer.ready() or "")


async def test_what_strangers_name_is_put_aside_and_stops_nobody(reading: Reading) -> None:
    limit = 400  # above what other tests leave in the stream
    strays = [a_message() for _ in range(limit + 10)]
    reading.broken, reading.error = {m.code for m in strays}, Stray
    async with reading.member(limit) as consumer:
        await publish(reading.servers, caught_up := a_message())
        await reading.until({caught_up.code})
        await publish(reading.servers, *strays)
        await eventually(partial(letters_of, reading, strays[-1].code), lambda found: len(found) == 1)
        await publish(reading.servers, last := a_message())
        await reading.until({last.code})
        assert consumer.stopped is None


async def test_strays_that_are_set_aside_do_not_make_their_batch_be_redone(reading: Reading) -> None:
    messages = [a_message() for _ in range(40)]
    reading.strays = {(stray := messages[7]).code}
    await publish(reading.servers, *messages)
    async with reading.member():
        await reading.until({m.code for m in messages} - reading.strays)
        [letter] = await eventually(partial(letters_of, reading, stray.code), bool)
    assert dict(letter.headers)["dlq_cause"] == b"a citizen named what is not there"
    ours = sum(reading.sizes)  # other tests leave records in the stream too
    async with reading.database.transaction() as tx:
        assert ours == await tx.fetchval("SELECT count(*) FROM inbox") + 1


async def test_a_crash_before_a_stray_is_put_aside_brings_it_again(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray, good = a_message(), a_message()
    reading.strays = {stray.code}
    await publish(reading.servers, stray, good)

    killed = asyncio.Event()

    async def dies(_: object, poison: Sequence[tuple[envelope.Record, Exception]]) -> None:
        if any(isinstance(error, Stray) for _, error in poison):
            killed.set()
            raise ConnectionError("killed before the dead letter")

    with monkeypatch.context() as crash:
        crash.setattr(dead_letter.DeadLetters, "put", dies)
        async with reading.member(), asyncio.timeout(90):
            await killed.wait()
    assert await letters_of(reading, stray.code) == []
    async with reading.member():
        await eventually(partial(letters_of, reading, stray.code), bool)
        assert (await reading.until({good.code}))[good.code] == 1


async def test_while_the_database_is_away_the_batch_is_kept(reading: Reading) -> None:
    reading.down = True
    await publish(reading.servers, message := a_message())
    async with reading.member():
        async with asyncio.timeout(90):
            while not reading.sizes:
                await asyncio.sleep(0.05)
        assert await letters_of(reading, message.code) == []
        reading.down = False
        assert (await reading.until({message.code}))[message.code] == 1


async def test_three_members_that_come_and_go_handle_each_record_once(reading: Reading) -> None:
    messages = [a_message() for _ in range(300)]
    async with reading.member():
        await publish(reading.servers, *messages[:100])
        async with reading.member():
            await publish(reading.servers, *messages[100:200])
            async with reading.member():
                await publish(reading.servers, *messages[200:250])
            await publish(reading.servers, *messages[250:])
            found = await reading.until({m.code for m in messages}, 60)
    assert set(found.values()) == {1}


async def letters_of(reading: Reading, code: str) -> list[envelope.Record]:
    letters = dead_letter.read(reading.servers, Stream.MESSAGES)
    return [record async for record in letters if record.key == code.encode()]


async def eventually(get: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
    async with asyncio.timeout(90):
        while not good(found := await get()):
            await asyncio.sleep(0.1)
    return found
