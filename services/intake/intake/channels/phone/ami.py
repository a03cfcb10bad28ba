"""The wire of Asterisk's manager interface (AMI): blocks of `Name: value` lines that end with an empty line.

https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Manager-Interface-AMI/AMI-v2-Specification/
"""

import asyncio
import itertools
from collections.abc import Mapping

Block = Mapping[str, str]

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 60.0  # three pings without an answer
PING_EVERY = 20.0
LARGEST_BLOCK = 256 * 1024  # bytes
_END = b"\r\n\r\n"


class AmiError(ConnectionError):
    """The exchange refuses us, or does not speak AMI."""


def parse_block(raw: bytes) -> Block:
    """A block by its lines; of a name that comes twice the last counts, and bytes that are no UTF-8 are replaced."""
    lines = raw.decode("utf-8", "replace").split("\r\n")
    return {name: value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}


class AmiConnection:
    """One login at an exchange."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)

    @classmethod
    async def open(cls, address: str, *, user: str, secret: str) -> "AmiConnection":
        """Connect and log in; AmiError when that is refused."""
        host, _, port = address.rpartition(":")
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, int(port), limit=LARGEST_BLOCK)
            connection = cls(reader, writer)
            try:
                await connection._log_in(user, secret)
            except BaseException:
                connection.close()
                raise
        return connection

    async def read(self) -> Block:
        """The next block; ConnectionError when the exchange is gone, TimeoutError when it is silent."""
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                return parse_block(await self._reader.readuntil(_END))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionError(f"the exchange ended the connection: {error!r}") from error

    async def ask(self, action: str, **fields: str) -> str:
        """Send an action; its ActionID, which its answers carry."""
        action_id = f"pasokh-{next(self._numbers)}"
        lines = {"Action": action, "ActionID": action_id} | fields
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._writer.write(text.encode() + b"\r\n")
        await self._writer.drain()
        return action_id

    async def ping(self) -> None:
        """Ask for a sign of life every now and then, until cancelled; `read` notices when none comes."""
        while True:
            await asyncio.sleep(PING_EVERY)
            await self.ask("Ping")

    def close(self) -> None:
        """Drop the connection."""
        self._writer.close()

    async def _log_in(self, user: str, secret: str) -> None:
        banner = await self._reader.readline()
        if not banner.startswith(b"Asterisk Call Manager"):
            raise AmiError("what answers does not speak AMI")
        action_id = await self.ask("Login", Username=user, Secret=secret, Events="on")
        while True:
            block = await self.read()
            if block.get("ActionID") == action_id:
                break
        if block.get("Response") != "Success":
            raise AmiError(f"the exchange refuses our login: {block.get('Message', 'no reason given')}")
