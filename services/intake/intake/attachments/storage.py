"""Where the bytes of attachments are, by the hash of their content: a folder, or a bucket that speaks S3."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Protocol

from intake.attachments.s3 import S3Storage
from intake.settings import Settings


class Storage(Protocol):
    """Bytes by their SHA-256 in hex. The same content is stored once, however often it is put."""

    async def put(self, sha256: str, data: bytes) -> None:
        """Store; when this returns the bytes are there to stay."""

    async def open(self, sha256: str) -> bytes | None:
        """The bytes, or None where there are none."""

    async def delete(self, sha256: str) -> None:
        """Delete; what is not there is deleted already."""

    async def close(self) -> None:
        """Let go of connections."""


def storage_of(settings: Settings) -> Storage | None:
    """The storage that is set; without one files are noted, and wait."""
    if settings.files_s3 is not None:
        return S3Storage.of(settings)
    return FolderStorage(settings.files_folder) if settings.files_folder is not None else None


class FolderStorage:
    """A folder of this machine: for the workbench, or for one replica with a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, sha256: str, data: bytes) -> None:
        """Under another name first, so that a crash leaves no half of a file."""
        await asyncio.to_thread(self._put, self._path(sha256), data)

    async def open(self, sha256: str) -> bytes | None:
        """The bytes, or None where there are none."""
        return await asyncio.to_thread(self._read, self._path(sha256))

    async def delete(self, sha256: str) -> None:
        """Delete; what is not there is deleted already."""
        await asyncio.to_thread(self._path(sha256).unlink, missing_ok=True)

    async def close(self) -> None:
        """Nothing is held open."""

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _put(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            unfinished = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                unfinished.replace(path)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
        _sync(path.parent)

    def _read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def _sync(folder: Path) -> None:
    """The name of a new file is on disk when its folder is."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
