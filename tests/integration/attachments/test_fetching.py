"""Files are fetched after the accept: a real database, a folder, and a host that answers."""

import asyncio
import contextlib
import dataclasses
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from common.db import Database
from common.sealed import Sealer
from intake.attachments import content, fetching, guard, types
from intake.attachments.content import Content
from intake.attachments.fetching import Due, claim, next_try
from intake.attachments.storage import FolderStorage
from intake.attachments.types import Refused
from uuid_utils.compat import uuid7

from tests.integration.attachments.hosts import PULSE, Make, at_telegram, noted, now, row_of
from tests.integration.http import beside
from tests.photos import a_photo
from tests.platforms import Host, Reply


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b"<html>an error page</html>"), types.UNKNOWN),
        (Reply(b"\xff\xd8\xff and no picture"), content.BROKEN),
        (Reply(b"x" * (content.LARGEST + 1)), content.TOO_LARGE),
        (Reply(b""), content.EMPTY),
        (Reply(status=302, headers={"Location": "https://10.0.0.1/admin"}), guard.NOT_PUBLIC),
        (Reply(status=302, headers={"Location": "http://192.0.2.1/"}), guard.NOT_HTTPS),
    ],
)
async def test_what_is_not_taken_is_refused_with_its_reason_and_not_asked_for_again(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make, reply: Reply, reason: str
) -> None:
    host.at["/photo"] = reply
    await noted(database, sealer, "instagram", f"{host.url}/photo")
    await fetcher_of().turn(now(), PULSE)
    row = await row_of(database)
    assert (row["state"], row["reason"], row["sha256"]) == ("refused", reason, None)
    assert await fetcher_of().turn(now() + timedelta(hours=2), PULSE) == 0


async def test_a_photo_that_is_gone_from_its_platform_is_said_to_be(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    await noted(database, sealer, "open311", f"{host.url}/nowhere")
    await fetcher_of().turn(now(), PULSE)
    assert (await row_of(database))["state"] == "gone"


async def test_what_fails_is_tried_again_later_and_later_and_given_up_after_a_day(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    host.at["/photo"] = Reply(status=503)
    await noted(database, sealer, "open311", f"{host.url}/photo")
    fetcher, moment, tries = fetcher_of(), now(), []
    for _ in range(60):
        await fetcher.turn(moment, PULSE)
        row = await row_of(database)
        if row["state"] != "waiting":
            break
        assert await fetcher.turn(row["next_try_at"] - timedelta(seconds=1), PULSE) == 0
        tries.append(row["next_try_at"] - moment)
        moment = row["next_try_at"]
    assert (row["state"], row["reason"]) == ("gone", "not to be had within a day: the file's host answers 503")
    assert tries == sorted(tries)
    assert tries[0] == fetching.FIRST_PAUSE
    assert tries[-1] == fetching.LONGEST_PAUSE
    assert sum(tries, timedelta()) < fetching.GIVE_UP


async def test_a_host_that_was_away_for_a_while_loses_nothing(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    host.at["/photo"] = [Reply(status=503), Reply(a_photo())]
    await noted(database, sealer, "open311", f"{host.url}/photo")
    await fetcher_of().turn(now(), PULSE)
    await fetcher_of().turn(now() + timedelta(minutes=1), PULSE)
    row = await row_of(database)
    assert (row["state"], row["reason"]) == ("stored", None)


async def test_two_replicas_do_not_fetch_the_same_file(database: Database, sealer: Sealer) -> None:
    for n in range(4):
        await noted(database, sealer, "telegram", str(n))
    moment = now()
    first, second = await claim(database, moment), await claim(database, moment)
    assert len(first) == 4
    assert second == []
    assert len(await claim(database, moment + fetching.LEASE)) == 4


async def test_a_crash_between_storing_and_the_commit_stores_the_same_once(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make, tmp_path: Path
) -> None:
    class Crashes(FolderStorage):
        async def put(self, sha256: str, data: bytes) -> None:
            await super().put(sha256, data)
            raise SystemExit

    at_telegram(host, Reply(a_photo()))
    await noted(database, sealer, "telegram", "1")
    fetcher = fetcher_of()
    dying = dataclasses.replace(fetcher, keeper=dataclasses.replace(fetcher.keeper, storage=Crashes(tmp_path)))
    [due] = await claim(database, now())
    with pytest.raises(SystemExit):
        await dying._fetch(due, now(), PULSE)
    assert (await row_of(database))["state"] == "waiting"
    await fetcher.turn(now() + fetching.LEASE, PULSE)
    row = await row_of(database)
    assert row["state"] == "stored"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [row["sha256"]]


async def test_the_same_photo_of_two_messages_is_stored_once(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make, tmp_path: Path
) -> None:
    host.at |= {"/one": Reply(a_photo()), "/two": Reply(a_photo())}
    await noted(database, sealer, "open311", f"{host.url}/one")
    await noted(database, sealer, "open311", f"{host.url}/two")
    await fetcher_of().turn(now(), PULSE)
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM attachments WHERE state = 'stored'") == 2
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


async def test_what_the_scanner_finds_is_refused_and_a_scanner_that_is_away_is_waited_for(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make, tmp_path: Path
) -> None:
    class Finds:
        async def scan(self, data: bytes) -> None:
            raise Refused("the virus scanner found Test-Signature")

    class Away:
        async def scan(self, data: bytes) -> None:
            raise ConnectionError("the virus scanner does not answer")

    at_telegram(host, Reply(a_photo()))
    await noted(database, sealer, "telegram", "1")
    await fetcher_of(scanner=Away()).turn(now(), PULSE)
    assert (await row_of(database))["state"] == "waiting"
    await fetcher_of(scanner=Finds()).turn(now() + timedelta(minutes=5), PULSE)
    row = await row_of(database)
    assert (row["state"], row["reason"]) == ("refused", "the virus scanner found Test-Signature")
    assert list(tmp_path.rglob("*")) == []


async def test_a_file_that_breaks_us_does_not_keep_the_others(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    def breaks_at_pdf(data: bytes) -> Content:
        if data.startswith(b"%PDF"):
            raise ZeroDivisionError
        return content.examine(data)

    host.at |= {"/bad": Reply(b"%PDF-1.7"), "/good": Reply(a_photo())}
    await noted(database, sealer, "open311", f"{host.url}/bad")
    await noted(database, sealer, "open311", f"{host.url}/good")
    await fetcher_of(examine=breaks_at_pdf).turn(now(), PULSE)
    async with database.transaction() as tx:
        states = await tx.fetch("SELECT state, reason FROM attachments ORDER BY position")
    assert [tuple(row) for row in states] == [("waiting", "unexpected: ZeroDivisionError"), ("stored", None)]


def test_a_pause_never_reaches_beyond_the_day() -> None:
    made = now()
    due = Due(uuid7(), "bale", "", 3, made)
    assert next_try(due, made) == made + fetching.FIRST_PAUSE * 4
    assert next_try(due, made + fetching.GIVE_UP) is None


async def test_the_loop_fetches_what_comes_and_what_comes_later(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    host.at |= {"/one": Reply(a_photo("green")), "/two": Reply(a_photo("red"))}
    async with beside(fetcher_of().run(PULSE)):
        for path in ("/one", "/two"):
            await noted(database, sealer, "open311", f"{host.url}{path}")
            while (await row_of(database))["state"] != "stored":
                await asyncio.sleep(0.02)
    assert sorted(host.asked) == ["/one", "/two"]


async def test_a_database_that_restarts_does_not_end_the_loop(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    host.at["/photo"] = Reply(a_photo())
    async with beside(fetcher_of().run(PULSE)):
        while not host.asked:
            async with database.transaction() as tx:
                own = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                await tx.execute(f"{own} AND pid <> pg_backend_pid()")
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InternalClientError):  # ended as well
                await noted(database, sealer, "open311", f"{host.url}/photo")
            await asyncio.sleep(0.5)
        while (await row_of(database))["state"] != "stored":
            await asyncio.sleep(0.02)
    assert (await row_of(database))["state"] == "stored"
