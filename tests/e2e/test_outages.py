"""What each part's absence does, and does not do, to the whole."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from common.events import Stream
from common.kafka import create_streams
from workbench.home import SANDBOX
from workbench.load import Accepted, Target, numbered, post_all
from workbench.reconcile import settle
from workbench.system import Workbench

BODY: dict[str, object] = {"text": "آب‌گرفتگی معبر", "topic": "US-FLOOD-STREET", "place": {"region": 7}}
BIN = Path(sys.executable).parent


def target(city: Workbench) -> Target:
    return Target(f"{city.url('intake')}/v1/app/messages", city.keys.token("app", citizen="e2e"))


async def send(city: Workbench, count: int, rate: float | None = None) -> list[Accepted]:
    return await post_all(target(city), numbered(BODY, count, uuid.uuid4().hex), connections=8, rate=rate)


def codes(accepted: list[Accepted]) -> list[str]:
    return [a.code for a in accepted if a.code]


async def ask(city: Workbench, service: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Rows of a service's own database."""
    connection = await asyncpg.connect(city.postgres.dsn(service))
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


def command(city: Workbench, *words: str, text: str | None = None) -> str:
    """One of a service's own commands, as operations documents it."""
    done = subprocess.run(
        [BIN / words[0], *words[1:]],
        env={**os.environ, **city.environment(words[0])},
        capture_output=True,
        text=True,
        input=text,
        check=True,
    )
    return done.stdout


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as made:
        yield made


async def test_while_kafka_is_down_citizens_are_accepted_and_all_arrives_later(city: Workbench) -> None:
    before = await send(city, 50)
    await asyncio.to_thread(city.take_down, "kafka")
    during = await send(city, 300, rate=60)
    await asyncio.to_thread(city.bring_up, "kafka")
    assert all(a.tries == 1 for a in during)
    found = await settle(city, codes(before + during))
    assert found.good, found.line()


async def test_after_kafka_lost_its_disk_republish_brings_everything_and_nothing_twice(city: Workbench) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)  # whatever the outboxes hold: activity.v1 had everything
    first = asyncio.create_task(send(city, 300, rate=100))
    await asyncio.sleep(0.9)
    await asyncio.to_thread(city.take_down, "kafka")
    await asyncio.to_thread(city.kafka.wipe)
    await asyncio.to_thread(city.bring_up, "kafka")
    await create_streams(city.kafka.servers)
    accepted = await first
    for service in ("intake", "routing", "notify"):
        assert "pending again" in await asyncio.to_thread(
            command, city, service, "republish", "--since", since.isoformat()
        )
    found = await settle(city, codes(accepted))
    assert found.good, found.line()


async def test_while_postgres_is_down_503_with_retry_after_and_then_it_recovers(
    city: Workbench, client: httpx.AsyncClient
) -> None:
    headers = {"Authorization": f"Bearer {city.keys.token('app', citizen='e2e')}"}
    await asyncio.to_thread(city.take_down, "postgres")
    refused = await client.post(target(city).url, json=BODY, headers=headers)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (await client.get(f"{city.url('intake')}/readyz")).status_code == 503
    assert (await client.get(f"{city.url('intake')}/livez")).status_code == 200
    await asyncio.to_thread(city.bring_up, "postgres")
    found = await settle(city, codes(await send(city, 50)))
    assert found.good, found.line()


async def test_a_dead_gateway_never_delays_kafka_and_sms_follow_once(city: Workbench) -> None:
    await asyncio.to_thread(city.take_down, SANDBOX)
    accepted = await send(city, 300)
    stored = "SELECT DISTINCT code FROM deliveries WHERE code = ANY($1)"
    async with asyncio.timeout(90):
        while len(await ask(city, "notify", stored, codes(accepted))) < 300:  # consumed: the lag stays flat
            await asyncio.sleep(0.1)
    await asyncio.to_thread(city.bring_up, SANDBOX)
    found = await settle(city, codes(accepted))
    assert found.good, found.line()


@pytest.mark.parametrize(
    ("service", "stream"),
    [("routing", Stream.MESSAGES), ("notify", Stream.NOTIFICATIONS), ("reporting", Stream.ACTIVITY)],
)
async def test_a_thousand_malformed_records_block_nobody_and_the_mended_are_replayed(
    city: Workbench, service: str, stream: Stream
) -> None:
    mark = uuid.uuid4().hex
    producer = AIOKafkaProducer(bootstrap_servers=city.kafka.servers)  # not ours: a stranger's records
    await producer.start()
    junk = [f"{mark} {n}".encode() for n in range(1000)]
    await asyncio.gather(
        *[await producer.send(stream.value, value, f"{mark}-{n}".encode()) for n, value in enumerate(junk)]
    )
    await producer.stop()
    found = await settle(city, codes(await send(city, 50)))
    assert found.good, found.line()
    lines = await _dead_letters(city, service, mark, 1000)
    assert all("ce_type is missing" in line["headers"]["dlq_cause"] for line in lines)
    assert {line["headers"]["dlq_stream"] for line in lines} == {stream.value}
    await _replay_mended(city, service, lines[0])


async def _dead_letters(city: Workbench, service: str, mark: str, count: int) -> list[dict[str, dict[str, str]]]:
    async with asyncio.timeout(150):
        while True:
            printed = await asyncio.to_thread(command, city, service, "dead-letters")
            lines = [json.loads(line) for line in printed.splitlines() if mark in line]
            if len(lines) >= count:
                return lines
            await asyncio.sleep(0.5)


async def _replay_mended(city: Workbench, service: str, line: dict[str, dict[str, str]]) -> None:
    """A person gives the record what it lacked; sent twice, it counts once."""
    golden = {
        "routing": "message.received.v1",
        "notify": "notification.requested.v1",
        "reporting": "call.changed.v1",
    }[service]
    document = json.loads((Path(__file__).parents[1] / "contract" / "golden" / f"{golden}.json").read_text())
    attributes = {"ce_type": golden, "ce_id": document["attributes"]["id"], "ce_time": document["attributes"]["at"]}
    body = document["body"] | ({"reply_to": {}} if "reply_to" in document["body"] else {})
    mended = json.dumps(line | {"key": document["key"], "headers": attributes, "value": json.dumps(body)})
    printed = await asyncio.to_thread(command, city, service, "replay", "-", text=f"{mended}\n{mended}\n")
    assert "2 records sent again" in printed
    handled = {
        "routing": "SELECT count(*) FROM cases WHERE code = $1",
        "notify": "SELECT count(*) FROM deliveries WHERE code = $1 AND told = 'done'",
        "reporting": "SELECT count(*) FROM calls WHERE call_id = $1",
    }[service]
    async with asyncio.timeout(90):
        while (await ask(city, service, handled, document["key"]))[0][0] == 0:
            await asyncio.sleep(0.1)
    assert (await ask(city, service, handled, document["key"]))[0][0] == 1


async def test_a_rebuild_gives_equal_figures(city: Workbench) -> None:
    accepted = await send(city, 40)
    assert (await settle(city, codes(accepted))).good
    facts = "SELECT * FROM case_facts WHERE code = ANY($1) ORDER BY code"
    with pytest.raises(subprocess.CalledProcessError):
        await asyncio.to_thread(command, city, "reporting", "rebuild")  # it consumes: refused
    await asyncio.to_thread(city.take_down, "reporting")
    before = await ask(city, "reporting", facts, codes(accepted))
    assert "forgotten" in await asyncio.to_thread(command, city, "reporting", "rebuild")
    assert await ask(city, "reporting", facts, codes(accepted)) == []
    await asyncio.to_thread(city.bring_up, "reporting")
    assert (await settle(city, codes(accepted))).good
    after = await ask(city, "reporting", facts, codes(accepted))
    assert [dict(row) for row in after] == [dict(row) for row in before]


async def test_every_number_of_the_report_is_that_of_the_services_own_tables(
    city: Workbench, client: httpx.AsyncClient
) -> None:
    accepted = await send(city, 30)
    assert (await settle(city, codes(accepted))).good
    own = {}
    queries = {
        "messages": ("routing", "SELECT count(*) FROM cases"),
        "urgent": ("routing", "SELECT count(*) FROM cases WHERE urgent"),
        "answered": ("routing", "SELECT count(DISTINCT code) FROM history WHERE status = 'answered'"),
        "accepted": ("routing", "SELECT count(*) FROM history WHERE step = 'accept'"),
        "objected": ("routing", "SELECT count(*) FROM history WHERE step = 'object'"),
        "sms_sent": (
            "notify",
            "SELECT count(*) FROM delivery_states WHERE sent_at IS NOT NULL AND means = 'sms' AND code IS NOT NULL",
        ),
    }
    today = {"from": "2020-01-01", "to": "2020-01-01"}
    assert (await _totals(city, client, today))["messages"] == 0
    days = {"from": datetime.now(UTC).date().fromordinal(datetime.now(UTC).date().toordinal() - 20).isoformat()}
    async with asyncio.timeout(90):
        while True:
            for name, (service, query) in queries.items():
                own[name] = (await ask(city, service, query))[0][0]
            totals = await _totals(city, client, days)
            if {name: totals[name] for name in own} == own:
                return
            await asyncio.sleep(0.5)


async def _totals(city: Workbench, client: httpx.AsyncClient, days: dict[str, str]) -> dict[str, int]:
    headers = {"Authorization": f"Bearer {city.keys.token('supervisor')}"}
    answer = await client.get(f"{city.url('reporting')}/v1/reports/shifts", params=days, headers=headers)
    totals: dict[str, int] = answer.json()["totals"]
    return totals
