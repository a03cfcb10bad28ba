import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from intake.attachments.s3 import S3Storage, Signer, canonical
from intake.attachments.scanning import Clamd, NoScanner, scanner_of
from intake.attachments.storage import FolderStorage, storage_of
from intake.attachments.types import Refused
from intake.settings import Settings
from pydantic import SecretStr

DATA = b"bytes of a photo"
NAME = hashlib.sha256(DATA).hexdigest()


async def test_a_folder_gives_back_what_was_put_and_forgets_what_was_deleted(tmp_path: Path) -> None:
    folder = FolderStorage(tmp_path)
    assert await folder.open(NAME) is None
    await folder.put(NAME, DATA)
    await folder.put(NAME, DATA)
    assert await folder.open(NAME) == DATA
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [NAME]
    await folder.delete(NAME)
    await folder.delete(NAME)
    assert await folder.open(NAME) is None


async def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = FolderStorage(tmp_path)
    (tmp_path / NAME[:2] / NAME / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        await folder.put(NAME, DATA)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_which_storage_there_is_is_a_setting(tmp_path: Path) -> None:
    bucket: dict[str, Any] = {
        "files_s3": "http://127.0.0.1:1/city",
        "files_s3_key_id": "id",
        "files_s3_secret": SecretStr("secret"),
    }
    assert storage_of(Settings.model_construct(None)) is None
    assert isinstance(storage_of(Settings.model_construct(None, files_folder=tmp_path)), FolderStorage)
    assert isinstance(storage_of(Settings.model_construct(None, files_folder=tmp_path, **bucket)), S3Storage)
    with pytest.raises(ValueError, match="PASOKH_FILES_S3_SECRET"):
        storage_of(Settings.model_construct(None, files_s3="http://127.0.0.1:1/city"))


# The documented example of Signature Version 4 for S3 ("GET Object"), with its published keys and outcome:
# docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
EXAMPLE = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_canonical_request_is_the_documented_one() -> None:
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": EMPTY,
        "x-amz-date": "20130524T000000Z",
    }
    request = canonical("GET", "/test.txt", headers, EMPTY)
    documented = "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"
    assert hashlib.sha256(request.encode()).hexdigest() == documented


def test_the_signature_is_the_documented_one() -> None:
    signed = EXAMPLE.headers(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        datetime(2013, 5, 24, tzinfo=UTC),
        more={"range": "bytes=0-9"},
    )
    assert signed["authorization"].endswith("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")


class FakeClamd:
    """Speaks INSTREAM, and finds what contains `virus`."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.heard = b""
        self._answer = answer

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        while size := int.from_bytes(await reader.readexactly(4)):
            self.heard += await reader.readexactly(size)
        verdict = b"stream: Test-Signature FOUND\0" if b"virus" in self.heard else b"stream: OK\0"
        writer.write(verdict if self._answer is None else self._answer)
        writer.close()


async def test_a_scanner_gets_every_byte_and_lets_good_files_pass() -> None:
    clamd = FakeClamd()
    async with clamd as address:
        await scanner_of(address).scan(b"x" * 200_000)
    assert clamd.heard == b"x" * 200_000


async def test_what_a_scanner_finds_is_refused_with_its_name() -> None:
    async with FakeClamd() as address:
        with pytest.raises(Refused, match="the virus scanner found Test-Signature"):
            await Clamd(address).scan(b"a virus")


@pytest.mark.parametrize("answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"nonsense\0"])
async def test_a_scanner_that_cannot_say_lets_nothing_pass(answer: bytes) -> None:
    async with FakeClamd(answer) as address:
        with pytest.raises(ConnectionError):
            await Clamd(address).scan(b"a photo")


async def test_a_scanner_that_is_away_lets_nothing_pass() -> None:
    with pytest.raises(ConnectionError):
        await Clamd("127.0.0.1:1").scan(b"a photo")


async def test_without_a_scanner_everything_passes() -> None:
    scanner = scanner_of(None)
    assert isinstance(scanner, NoScanner)
    await scanner.scan(b"a virus")
