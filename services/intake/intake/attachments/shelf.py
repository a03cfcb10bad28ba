"""All of attachments that a service has, in one place."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from common.app import Service
from common.errors import Problem
from common.health import Pulse
from fastapi import Depends, Request

from intake.attachments.fetching import Fetcher
from intake.attachments.files import Files
from intake.attachments.keeping import Keeper
from intake.attachments.links import Links
from intake.attachments.platforms import Platforms
from intake.attachments.scanning import scanner_of
from intake.attachments.storage import storage_of
from intake.attachments.sweeping import Sweeper
from intake.settings import Settings

MOST_AT_ONCE = 8  # uploads in memory, of 10 MB each; the others wait with their bytes


@dataclass
class Shelf:
    """`files.note` is what other channels call; without a storage files are noted, and wait."""

    files: Files
    links: Links
    stored_by: Keeper | None
    hands: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    @property
    def keeper(self) -> Keeper:
        """Who stores and has stored; Problem 503 where no storage is set."""
        if self.stored_by is None:
            raise Problem(503, "No storage for files is set here; send the message without them.")
        return self.stored_by


def put_up(service: Service, settings: Settings) -> Shelf:
    """The shelf of a service, with the loops that fill and sweep it running beside."""
    storage = storage_of(settings)
    keeper = Keeper(service.database, storage, scanner_of(settings.files_clamd)) if storage else None
    shelf = Shelf(Files(service.sealer), Links.of(service.sealer), keeper)
    if keeper is not None:
        platforms = Platforms(settings)
        fetcher = Fetcher(service.database, keeper, platforms, service.sealer)
        _beside(service, "fetch files", fetcher.run)
        _beside(service, "sweep uploads", Sweeper(service.database, keeper.storage).run)
        service.finish_with(platforms.close)
        service.finish_with(keeper.storage.close)
    return shelf


def _beside(service: Service, name: str, run: Callable[[Pulse], Awaitable[None]]) -> None:
    pulse = service.health.pulse(name)
    service.run_beside(name, lambda: run(pulse))


async def shelf_of(request: Request) -> Shelf:
    """The shelf of the service that serves a request."""
    shelf: Shelf = request.app.state.shelf
    return shelf


ShelfOf = Annotated[Shelf, Depends(shelf_of)]
