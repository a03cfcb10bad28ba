"""An exchange that speaks the manager interface's text protocol, for tests: it says what it is told to say."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Block = Mapping[str, str]
USER, SECRET = "pasokh", "exchange-secret"


def encode(block: Block) -> bytes:
    """A block as it stands on the wire."""
    return "".join(f"{name}: {value}\r\n" for name, value in block.items()).encode() + b"\r\n"


@dataclass
class AmiServer:
    """Accepts logins, answers pings, lists `queues`, `members` and `entries`, and says events to all who listen."""

    queues: list[str] = field(default_factory=list)
    members: list[Block] = field(default_factory=list)
    entries: list[Block] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # every action, in order
    refused: int = 0
    _listeners: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None
    port: int = 0

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def logins(self) -> int:
        """How often somebody logged in."""
        return self.asked.count("Login") - self.refused

    async def start(self) -> None:
        """Listen; on the same port as before, if it listened before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop every connection and listen no more."""
        if self._server is not None:
            self._server.close()
        for writer in self._listeners:
            writer.close()
        self._listeners.clear()
        await asyncio.sleep(0)

    async def say(self, blocks: Iterable[Block]) -> None:
        """Say events to all who are logged in, as fast as they take them."""
        for n, block in enumerate(blocks):
            for writer in self._listeners:
                writer.write(encode(block))
            if n % 200 == 0:
                await self._drain()
        await self._drain()

    async def _drain(self) -> None:
        for writer in self._listeners:
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        try:
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in raw.strip().split("\r\n"))
                self.asked.append(action["Action"])
                writer.write(b"".join(map(encode, self._answer(action, writer))))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._listeners = [other for other in self._listeners if other is not writer]

    def _answer(self, action: Block, writer: asyncio.StreamWriter) -> Iterable[Block]:
        about = {"ActionID": action["ActionID"]}
        if action["Action"] == "Login":
            yield self._log_in(action, writer) | about
        elif action["Action"] == "Ping":
            yield {"Response": "Success", "Ping": "Pong"} | about
        elif action["Action"] == "QueueStatus":
            yield {"Response": "Success", "EventList": "start", "Message": "Queue status will follow"} | about
            for queue in self.queues:
                yield {"Event": "QueueParams", "Queue": queue, "Strategy": "rrmemory"} | about
            yield from ({"Event": "QueueMember"} | dict(member) | about for member in self.members)
            yield from ({"Event": "QueueEntry"} | dict(entry) | about for entry in self.entries)
            yield {"Event": "QueueStatusComplete", "EventList": "Complete"} | about

    def _log_in(self, action: Block, writer: asyncio.StreamWriter) -> dict[str, str]:
        if (action["Username"], action["Secret"]) != (USER, SECRET):
            self.refused += 1
            return {"Response": "Error", "Message": "Authentication failed"}
        self._listeners.append(writer)
        return {"Response": "Success", "Message": "Authentication accepted"}
