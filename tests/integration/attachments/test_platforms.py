"""How each platform is asked for a file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from common.db import Database
from common.sealed import Sealer
from intake.attachments.fetching import Fetcher
from intake.attachments.keeping import Keeper
from intake.attachments.platforms import Platforms
from intake.attachments.scanning import NoScanner
from intake.attachments.storage import FolderStorage
from intake.settings import Settings

from tests.integration.attachments.hosts import PULSE, TOKEN, Make, at_telegram, noted, now, row_of
from tests.photos import AZADI, a_photo, a_photo_at_azadi
from tests.platforms import Host, Reply, a_document


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
