"""A host on the internet, as attachments meet it: it answers what a test puts there, and notes what it was asked."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import orjson


@dataclass(frozen=True)
class Reply:
    """An answer. Without a length its body is sent piece by piece, `pause` seconds apart, until it ends."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: bool = True
    pause: float = 0.0


def a_document(document: object, status: int = 200) -> Reply:
    """JSON."""
    return Reply(orjson.dumps(document), status)


@dataclass
class Host:
    """`at["/path"]` is what it answers; a list is answered one after the other, the last for ever."""

    at: dict[str, Reply | list[Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            await reader.readexactly(int(headers.get("content-length", 0)))
            target = first.split(" ")[1]
            self.asked.append(target)
            self.heard.append(headers)
            await _send(writer, self._reply(target.partition("?")[0]))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked went away
        finally:
            writer.close()

    def _reply(self, path: str) -> Reply:
        found = self.at.get(path, Reply(status=404))
        if isinstance(found, Reply):
            return found
        return found.pop(0) if len(found) > 1 else found[0]


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    headers = {"Connection": "close", **reply.headers}
    if reply.length:
        headers["Content-Length"] = str(len(reply.body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.status} Answer\r\n{lines}\r\n".encode())
    step = len(reply.body) if reply.length else 64 * 1024
    for at in range(0, len(reply.body), step or 1):
        writer.write(reply.body[at : at + step])
        await writer.drain()
        await asyncio.sleep(reply.pause)
