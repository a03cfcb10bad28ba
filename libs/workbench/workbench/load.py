"""A load client that is not itself the bottleneck: keep-alive connections on asyncio's protocols, retries until 202."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools
import orjson


@dataclass(frozen=True, slots=True)
class Post:
    """A body to post under an idempotency key."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of it: the code, seconds from the first try to the 202, tries."""

    key: str
    code: str | None
    seconds: float
    tries: int


class Connection(asyncio.Protocol):
    """One request at a time on one connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the connection is gone"))

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """httptools: a piece of the body."""
        self._body += data

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        if self._answer is not None and self._parser is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._body))

    async def request(self, payload: bytes) -> tuple[int, bytes]:
        """Status and body; ConnectionError when the server goes away."""
        if self._transport is None:
            raise ConnectionResetError("the connection is gone")
        self._body = b""
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(payload)
        return await self._answer

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


@dataclass(frozen=True)
class Target:
    """Where to post, as whom."""

    url: str
    token: str

    def payload(self, post: Post) -> bytes:
        """The whole request."""
        parts = urlsplit(self.url)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {post.key}\r\nContent-Length: {len(post.body)}\r\n\r\n"
        )
        return head.encode() + post.body

    async def connect(self) -> Connection:
        """A fresh connection."""
        parts = urlsplit(self.url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, parts.hostname or "127.0.0.1", parts.port or 80)
        return connection


async def post_all(
    target: Target, posts: Iterable[Post], *, connections: int, rate: float | None = None
) -> list[Accepted]:
    """Post everything, each until it is accepted; at most `rate` a second when one is given."""
    accepted: list[Accepted] = []
    queue = iter(posts)
    started = time.perf_counter()

    async def work() -> None:
        connection: Connection | None = None
        for post in queue:
            if rate is not None:
                await asyncio.sleep(max(0.0, started + len(accepted) / rate - time.perf_counter()))
            connection, answer = await _until_accepted(target, post, connection)
            accepted.append(answer)
        if connection is not None:
            connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return accepted


async def _until_accepted(
    target: Target, post: Post, connection: Connection | None
) -> tuple[Connection | None, Accepted]:
    payload = target.payload(post)
    started = time.perf_counter()
    tries = 0
    while True:
        tries += 1
        try:
            connection = connection or await target.connect()
            status, body = await asyncio.wait_for(connection.request(payload), 30)
        except (OSError, TimeoutError):
            connection = None
            await asyncio.sleep(0.1)
            continue
        if status == 202:
            code = orjson.loads(body)["code"]
            return connection, Accepted(post.key, code, time.perf_counter() - started, tries)
        if status < 500:
            raise RuntimeError(f"refused with {status}: {body.decode(errors='replace')}")
        await asyncio.sleep(0.1)


def percentile(values: Iterable[float], share: float) -> float:
    """The value under which a share of the others lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def numbered(body: dict[str, object], count: int, prefix: str) -> Iterator[Post]:
    """The same message from many telephones."""
    for n in range(count):
        yield Post(f"{prefix}-{n}", orjson.dumps(body | {"phone": f"0912{n % 10_000_000:07d}"}))
