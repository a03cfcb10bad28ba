"""Asking a virus scanner about a file, before it is stored."""

import asyncio
from typing import Protocol

from intake.attachments.types import Refused

CHUNK = 64 * 1024  # bytes
SECONDS = 20.0


class Scanner(Protocol):
    """Says whether a file is harmful."""

    async def scan(self, data: bytes) -> None:
        """Refused when it is; ConnectionError when the scanner cannot say."""


class NoScanner:
    """Where none is set."""

    async def scan(self, data: bytes) -> None:
        """Everything passes."""


class Clamd:
    """ClamAV's daemon over TCP: `INSTREAM` of clamd(8), chunks with their length in four bytes before them."""

    def __init__(self, address: str) -> None:
        """`address` is host:port; clamd's own is 3310."""
        self._host, _, port = address.rpartition(":")
        self._port = int(port)

    async def scan(self, data: bytes) -> None:
        """Refused with the name of what was found."""
        try:
            async with asyncio.timeout(SECONDS):
                verdict = await self._ask(data)
        except (OSError, EOFError) as error:
            raise ConnectionError(f"the virus scanner does not answer: {error!r}") from error
        if verdict.endswith(" FOUND"):
            raise Refused(f"the virus scanner found {verdict.removeprefix('stream: ').removesuffix(' FOUND')}")
        if verdict != "stream: OK":
            raise ConnectionError(f"the virus scanner answers {verdict!r}")

    async def _ask(self, data: bytes) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(b"zINSTREAM\0")
            for at in range(0, len(data), CHUNK):
                chunk = data[at : at + CHUNK]
                writer.write(len(chunk).to_bytes(4) + chunk)
                await writer.drain()
            writer.write((0).to_bytes(4))
            answer = await reader.readuntil(b"\0")
        finally:
            writer.close()
        return answer.rstrip(b"\0").decode(errors="replace").strip()


def scanner_of(address: str | None) -> Scanner:
    """The scanner that is set."""
    return Clamd(address) if address else NoScanner()
