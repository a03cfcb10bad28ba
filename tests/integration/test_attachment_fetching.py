"""Files are fetched from their platforms after the accept: a real database, a folder, and a host that answers."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from common.db import Database
from common.health import Pulse
from common.sealed import Sealer
from intake.attachments import content, fetching, guard, types
from intake.attachments.content import Content
from intake.attachments.fetching import Due, Fetcher, claim, next_try
from intake.attachments.files import Files
from intake.attachments.keeping import Keeper
from intake.attachments.platforms import Platforms
from intake.attachments.scanning import NoScanner, Scanner
from intake.attachments.storage import FolderStorage
from intake.attachments.types import Refused
from intake.conversation.heard import FileKind, FileRef
from intake.settings import Settings
from uuid_utils.compat import uuid7
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database
from tests.photos import AZADI, a_photo, a_photo_at_azadi
from tests.platforms import Host, Reply, a_document

CODE = "1234567897"
TOKEN = "123:secret"
PULSE = Pulse("fetch files")


@pytest.fixture
async def database(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    made = await a_database(postgres, "intake", database_name)
    async with made.transaction() as tx:
        await tx.execute(
            "INSERT INTO messages (code, channel, text, sms, taken_by, occurred_at, received_at)"
            " VALUES ($1, 'social', 'متن', false, 'bot-1', now(), now())",
            CODE,
        )
    yield made
    await made.close()


@pytest.fixture
def sealer(keys: Keys) -> Sealer:
    return Sealer.from_file(keys.seal_keys)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with Host() as made:
        yield made


Make = Callable[..., Fetcher]


@pytest.fixture
def fetcher_of(database: Database, sealer: Sealer, host: Host, tmp_path: Path) -> Make:
    def make(*, scanner: Scanner | None = None, examine: Callable[[bytes], Content] = content.examine) -> Fetcher:
        names = ("telegram", "bale", "rubika", "whatsapp/1055")
        settings = Settings.model_construct(
            None,
            files_from_loopback=True,
            messenger_tokens=dict.fromkeys(names, TOKEN),
            messenger_urls={name.partition("/")[0]: host.url for name in names},
        )
        keeper = Keeper(database, FolderStorage(tmp_path), scanner or NoScanner(), examine)
        return Fetcher(database, keeper, Platforms(settings), sealer)

    return make


async def noted(database: Database, sealer: Sealer, platform: str, reference: str) -> None:
    async with database.transaction() as tx:
        await Files(sealer).note(CODE, platform, [FileRef(FileKind.PHOTO, reference)], tx)


async def row_of(database: Database) -> dict[str, Any]:
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT * FROM attachments ORDER BY position DESC LIMIT 1")
    assert row is not None
    return dict(row)


def now() -> datetime:
    return datetime.now(UTC)


def at_telegram(host: Host, *replies: Reply) -> None:
    host.at[f"/bot{TOKEN}/getFile"] = a_document({"ok": True, "result": {"file_path": "photos/1.jpg"}})
    host.at[f"/file/bot{TOKEN}/photos/1.jpg"] = list(replies)


async def test_a_photo_of_telegram_is_stored_without_what_stood_beside_it(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make, tmp_path: Path
) -> None:
    at_telegram(host, Reply(a_photo_at_azadi()))
    await noted(database, sealer, "telegram", "file id+1")
    assert await fetcher_of().turn(now(), PULSE) == 1
    row = await row_of(database)
    assert (row["state"], row["media_type"]) == ("stored", "image/jpeg")
    assert (row["lat"], row["lon"]) == AZADI
    assert row["taken_at"] == datetime(2026, 1, 5, 7, 0, tzinfo=UTC)
    stored = await FolderStorage(tmp_path).open(row["sha256"])
    assert stored is not None
    assert len(stored) == row["size"]
    assert b"Exif" not in stored
    assert host.asked[0] == f"/bot{TOKEN}/getFile?file_id=file+id%2B1"


async def test_a_photo_of_bale_is_fetched_as_telegrams(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    at_telegram(host, Reply(a_photo()))
    await noted(database, sealer, "bale", "1:2:3")
    await fetcher_of().turn(now(), PULSE)
    assert (await row_of(database))["state"] == "stored"


async def test_a_photo_of_rubika_is_behind_the_address_that_it_names(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    link = {"status": "OK", "data": {"download_url": f"{host.url}/there"}}
    host.at |= {f"/v3/{TOKEN}/getFile": a_document(link), "/there": Reply(a_photo())}
    await noted(database, sealer, "rubika", "0ab1")
    await fetcher_of().turn(now(), PULSE)
    assert (await row_of(database))["state"] == "stored"


async def test_a_photo_of_whatsapp_is_asked_for_twice_with_the_token(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    host.at |= {"/777": a_document({"url": f"{host.url}/media", "id": "777"}), "/media": Reply(a_photo())}
    await noted(database, sealer, "whatsapp", "777")
    await fetcher_of().turn(now(), PULSE)
    assert (await row_of(database))["state"] == "stored"
    assert [heard["authorization"] for heard in host.heard] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize("platform", ["instagram", "open311"])
async def test_an_address_is_fetched_as_it_is(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make, platform: str
) -> None:
    host.at["/photo"] = Reply(a_photo())
    await noted(database, sealer, platform, f"{host.url}/photo")
    await fetcher_of().turn(now(), PULSE)
    assert (await row_of(database))["state"] == "stored"


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


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (a_document({"ok": False, "error_code": 400, "description": "Bad Request: wrong file_id"}, 400), "gone"),
        (a_document({"ok": False, "error_code": 400, "description": "Bad Request: file is too big"}, 400), "refused"),
        (a_document({"ok": False, "error_code": 429, "parameters": {"retry_after": 3}}, 429), "waiting"),
        (a_document({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401), "waiting"),
        (Reply(b"<html>Bad Gateway</html>", 502), "waiting"),
        (a_document(["nonsense"]), "gone"),
    ],
)
async def test_what_a_platform_says_of_a_file_is_for_ever_and_what_it_says_of_us_passes(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make, reply: Reply, outcome: str
) -> None:
    host.at[f"/bot{TOKEN}/getFile"] = reply
    await noted(database, sealer, "telegram", "1")
    await fetcher_of().turn(now(), PULSE)
    row = await row_of(database)
    assert row["state"] == outcome
    assert TOKEN not in (row["reason"] or "")


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


async def test_a_platform_without_a_token_is_waited_for(database: Database, sealer: Sealer, tmp_path: Path) -> None:
    keeper = Keeper(database, FolderStorage(tmp_path), NoScanner())
    await noted(database, sealer, "telegram", "1")
    await Fetcher(database, keeper, Platforms(Settings.model_construct(None)), sealer).turn(now(), PULSE)
    row = await row_of(database)
    assert (row["state"], row["reason"]) == ("waiting", "PASOKH_MESSENGER_TOKENS holds none for telegram")


async def test_a_file_is_asked_for_with_the_token_of_each_bot_until_one_knows_it(
    database: Database, sealer: Sealer, host: Host, tmp_path: Path
) -> None:
    at_telegram(host, Reply(a_photo()))
    unknown = a_document({"ok": False, "error_code": 400, "description": "Bad Request: wrong file_id"}, 400)
    host.at["/botother/getFile"] = unknown
    settings = Settings.model_construct(
        None,
        files_from_loopback=True,
        messenger_tokens={"telegram/first": "other", "telegram/second": TOKEN},
        messenger_urls={"telegram": host.url},
    )
    await noted(database, sealer, "telegram", "1")
    keeper = Keeper(database, FolderStorage(tmp_path), NoScanner())
    await Fetcher(database, keeper, Platforms(settings), sealer).turn(now(), PULSE)
    assert (await row_of(database))["state"] == "stored"


def test_a_pause_never_reaches_beyond_the_day() -> None:
    made = now()
    due = Due(uuid7(), "bale", "", 3, made)
    assert next_try(due, made) == made + fetching.FIRST_PAUSE * 4
    assert next_try(due, made + fetching.GIVE_UP) is None
