"""How the urgent lane is worked off, and how the bulk gives way to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from aiokafka import TopicPartition
from common.consumer import Consumer, left_behind
from common.db import Database, Transaction
from common.envelope import Record
from common.events import Event, MessageReceived, Stream, UrgentMessageReceived
from common.health import Health
from common.kafka import group_of
from routing.handlers import Register
from routing.lanes import BEHIND, register_urgent_with

from tests.builders import a_message


@dataclass
class Alarm:
    """How urgent a text sounds, as far as a lane looks at it."""

    urgent: bool


@dataclass
class Read:
    """What a text says: gas is what alarms."""

    text: str

    @property
    def alarm(self) -> Alarm:
        return Alarm("گاز" in self.text)


ReadMessage = tuple[MessageReceived, Read]


@dataclass
class Left:
    """A register and a transaction: what a handler opened and published, and how often it read and decided."""

    opened: list[MessageReceived] = field(default_factory=list)
    published: list[Event] = field(default_factory=list)
    readings: int = 0
    decisions: int = 0

    def publish(self, *events: Event) -> None:
        self.published += events

    def read(self, received: Sequence[MessageReceived]) -> list[ReadMessage]:
        self.readings += len(received)
        return [(message, Read(message.text)) for message in received]

    def settle(self, read: Sequence[ReadMessage]) -> list[MessageReceived]:
        self.decisions += len(read)
        return [message for message, _ in read]

    async def open_cases(self, decided: Sequence[MessageReceived], _tx: Transaction) -> None:
        self.opened += decided


def suspected(text: str) -> UrgentMessageReceived:
    return UrgentMessageReceived.model_validate(dict(a_message(text=text)))


async def handled(*received: UrgentMessageReceived) -> Left:
    left = Left()
    await register_urgent_with(cast(Register, left))(received, cast(Transaction, left))
    return left


async def test_a_lane_that_is_behind_opens_the_urgent_and_sends_the_others_to_the_bulk() -> None:
    mixed = [suspected("گاز" if n % 3 else "برف") for n in range(BEHIND)]
    left = await handled(*mixed)
    assert [m.code for m in left.opened] == [m.code for m in mixed if m.text == "گاز"]
    assert [e.key for e in left.published] == [m.code for m in mixed if m.text == "برف"]
    assert {type(event) for event in left.published} == {MessageReceived}
    assert (left.readings, left.decisions) == (BEHIND, len(left.opened))


async def test_what_is_sent_on_is_the_same_message_in_an_event_of_its_own() -> None:
    calm = [suspected("برف") for _ in range(BEHIND)]
    sent = (await handled(*calm)).published[0]
    assert sent.model_dump() == calm[0].model_dump()
    assert sent.id != calm[0].id
    assert MessageReceived.model_validate_json(sent.model_dump_json()[:-1] + f',"at":"{sent.at.isoformat()}"}}')


async def test_a_lane_that_keeps_up_opens_all_without_a_detour() -> None:
    left = await handled(*(suspected("برف") for _ in range(BEHIND - 1)))
    assert (len(left.opened), left.published) == (BEHIND - 1, [])


def test_each_lane_has_a_group_of_its_own() -> None:
    assert [group_of("routing", stream) for stream in Stream].count("routing-urgent") == 1
    assert group_of("routing", Stream.MESSAGES) == "routing"


def a_consumer(stream: Stream) -> Consumer:
    return Consumer("routing", stream, {}, database=cast(Database, None), pulse=Health().pulse("consumer"))


@dataclass
class Fetched:
    """What a consumer's client knows of its partitions after a fetch."""

    ends: dict[TopicPartition, int | None]

    def assignment(self) -> set[TopicPartition]:
        return set(self.ends)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.ends[partition]


@dataclass
class At:
    """Where a record stands in its stream."""

    partition: int
    offset: int
    topic: str = Stream.URGENT.value


def test_what_is_left_is_counted_from_the_last_fetch_of_the_partitions_that_were_read() -> None:
    part = [TopicPartition(Stream.URGENT.value, n) for n in range(4)]
    client = Fetched({part[0]: 50, part[1]: 8, part[2]: None})
    records = [At(0, 9), At(0, 10), At(1, 7), At(2, 3), At(3, 1)]  # of the last a rebalance has taken the partition
    assert left_behind(client, cast(Sequence[Record], records)) == {part[0]: 39, part[1]: 0}


async def test_the_bulk_waits_while_the_urgent_lane_is_behind() -> None:
    urgent, bulk = a_consumer(Stream.URGENT), a_consumer(Stream.MESSAGES)
    bulk.goes_first, urgent.behind = (urgent,), True
    waiting = asyncio.create_task(bulk._give_way())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    urgent.behind = False
    await asyncio.wait_for(waiting, 1)


async def test_the_bulk_does_not_wait_for_a_lane_that_stopped() -> None:
    urgent, bulk = a_consumer(Stream.URGENT), a_consumer(Stream.MESSAGES)
    bulk.goes_first, urgent.behind, urgent.stopped = (urgent,), True, "too many dead letters"
    waiting = asyncio.create_task(bulk._give_way())
    done, _ = await asyncio.wait({waiting}, timeout=1)
    assert done == {waiting}
