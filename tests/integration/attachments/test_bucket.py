"""Attachments in a bucket: `nanio` is a server of S3 that checks every signature."""

import hashlib
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from intake.attachments.s3 import S3Storage, Signer
from workbench.ports import free_port
from workbench.processes import Child

KEY_ID, SECRET = "city-attachments", "a secret of the city"
DATA = "عکس چاله".encode() * 1000
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def bucket(state: Path) -> Iterator[str]:
    folder, port = state / "bucket", free_port()
    (folder / "city").mkdir(parents=True)
    settings = {"NANIO_DATA_DIR": str(folder), "NANIO_ACCESS_KEY": KEY_ID, "NANIO_SECRET_KEY": SECRET}
    command = [sys.executable, "-m", "uvicorn", "--factory", "nanio.app:build_app", "--port", str(port)]
    server = Child("nanio", command, state / "nanio.log", {**os.environ, **settings})
    server.start()
    wait_until_it_answers(f"http://127.0.0.1:{port}/", server)
    yield f"http://127.0.0.1:{port}/city"
    server.stop()


def wait_until_it_answers(url: str, server: Child) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return  # it wants a signature
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer; the end of its log:\n{server.tail()}")


@pytest.fixture
async def storage(bucket: str) -> AsyncIterator[S3Storage]:
    made = S3Storage(bucket, Signer(KEY_ID, SECRET, "us-east-1"))
    yield made
    await made.close()


async def test_a_bucket_gives_back_what_was_put_and_forgets_what_was_deleted(storage: S3Storage) -> None:
    assert await storage.open(NAME) is None
    await storage.put(NAME, DATA)
    await storage.put(NAME, DATA)
    assert await storage.open(NAME) == DATA
    await storage.delete(NAME)
    await storage.delete(NAME)
    assert await storage.open(NAME) is None


async def test_a_wrong_secret_stores_and_shows_nothing(bucket: str, storage: S3Storage) -> None:
    stranger = S3Storage(bucket, Signer(KEY_ID, "guessed", "us-east-1"))
    await storage.put(NAME, DATA)
    with pytest.raises(ConnectionError, match="SignatureDoesNotMatch"):
        await stranger.open(NAME)
    with pytest.raises(ConnectionError, match="SignatureDoesNotMatch"):
        await stranger.put(NAME, DATA)
    with pytest.raises(ConnectionError, match="SignatureDoesNotMatch"):
        await stranger.delete(NAME)
    assert await storage.open(NAME) == DATA
    await stranger.close()


async def test_a_bucket_that_is_away_is_asked_again_later() -> None:
    away = S3Storage("http://127.0.0.1:1/city", Signer(KEY_ID, SECRET, "us-east-1"))
    with pytest.raises(ConnectionError):
        await away.put(NAME, DATA)
    await away.close()
