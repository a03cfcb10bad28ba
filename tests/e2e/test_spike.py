"""Twenty times the peak hour, then what the machine can do with a flood beside it, then an ordinary hour again.

A normal day brings 12,000 contacts, its peak hour 10.5 % of them: 0.35 a second (DESIGN.md, section 8).
"""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from workbench.load import Connection, Post, Target
from workbench.reconcile import settle
from workbench.system import Workbench

PEAK = 12_000 * 0.105 / 3600  # contacts a second
SPIKE_SECONDS = 8
STORM = 2000  # messages, as fast as 48 connections bring them
FLOOD = 1200  # requests of one device, above its limit of 1,000 at once
BACKLOG_SECONDS = 60
BULK = "سطل زباله سر کوچه ما را عوض کنید"
ALARM = "بوی شدید گاز کل کوچه را برداشته است"


@dataclass(frozen=True)
class Answer:
    """What was answered to one message."""

    status: int
    retry_after: int | None
    code: str | None


class Noting(Connection):
    """Keeps `Retry-After` of the last answer."""

    retry_after: int | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header."""
        if name.lower() == b"retry-after":
            self.retry_after = int(value)


@dataclass(frozen=True)
class Citizens:
    """Many citizens with one app; each message has its own key and telephone."""

    address: str
    port: int
    tokens: Sequence[str]
    dice: random.Random

    def requests(self, count: int, text: str = BULK, device: str | None = None) -> Iterator[bytes]:
        """So many messages."""
        for _ in range(count):
            place = {"region": self.dice.randint(1, 22)}
            body = {"text": text, "place": place, "phone": f"0912{self.dice.randrange(10**7):07d}"}
            payload = Target(self.address, self.dice.choice(self.tokens)).payload(
                Post(uuid.uuid4().hex, orjson.dumps(body))
            )
            named = f"\r\nDevice-Id: {device}\r\n\r\n".encode()
            yield payload.replace(b"\r\n\r\n", named, 1) if device else payload

    async def at_once(self, requests: Iterator[bytes], connections: int) -> list[Answer]:
        """As fast as the connections bring them."""

        async def work() -> list[Answer]:
            _, connection = await asyncio.get_running_loop().create_connection(Noting, "127.0.0.1", self.port)
            answers = [await _ask(connection, request) for request in requests]
            connection.close()
            return answers

        answered = await asyncio.gather(*(work() for _ in range(connections)))
        return [answer for answers in answered for answer in answers]

    async def at_rate(self, per_second: float, seconds: float) -> list[Answer]:
        """So many a second, spread evenly."""
        sending = []
        for request in self.requests(round(per_second * seconds)):
            sending.append(asyncio.create_task(self.at_once(iter([request]), 1)))
            await asyncio.sleep(1 / per_second)
        return [answer for answers in await asyncio.gather(*sending) for answer in answers]


async def _ask(connection: Noting, request: bytes) -> Answer:
    connection.retry_after = None
    status, body = await connection.request(request)
    code = orjson.loads(body)["code"] if status == 202 else None
    return Answer(status, connection.retry_after, code)


def statuses(answers: Sequence[Answer]) -> dict[int, int]:
    return dict(Counter(answer.status for answer in answers))


async def test_a_spike_loses_nothing_refuses_with_a_time_to_come_again_and_is_gone_in_a_minute(city: Workbench) -> None:
    address = city.url("intake")
    tokens = [city.keys.token("app", citizen=f"spike-{n}") for n in range(200)]
    port = int(address.rpartition(":")[2])
    citizens = Citizens(f"{address}/v1/app/messages", port, tokens, random.Random(7))
    spike = await citizens.at_rate(20 * PEAK, SPIKE_SECONDS)
    assert statuses(spike) == {202: round(20 * PEAK * SPIKE_SECONDS)}
    storm, flood, urgent = await asyncio.gather(
        citizens.at_once(citizens.requests(STORM), 32),
        citizens.at_once(citizens.requests(FLOOD, device="broken"), 16),
        citizens.at_once(citizens.requests(50, ALARM), 4),
    )
    after = await citizens.at_rate(1, 3)
    assert (statuses(urgent), statuses(after)) == ({202: 50}, {202: 3})
    assert statuses(storm).keys() <= {202, 503}
    assert statuses(flood).keys() <= {202, 429, 503}
    assert statuses(flood)[429] > 0
    everything = [*spike, *storm, *flood, *urgent, *after]
    assert all(answer.retry_after for answer in everything if answer.status != 202)
    found = await settle(city, [answer.code for answer in everything if answer.code], seconds=BACKLOG_SECONDS)
    assert found.good, found
