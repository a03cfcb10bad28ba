"""What the routes share: settings, services, requests and clients of GeoReport, put together once."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from common.db import Database
from common.errors import Problem
from fastapi import Request

from intake.open311.asked import Asked
from intake.open311.cache import Cache
from intake.open311.clients import Clients
from intake.open311.own import Own
from intake.open311.refusals import Refused
from intake.open311.requests import Requests
from intake.open311.services import Attributes, Catalogue, load_attributes
from intake.open311.wire import Form, written
from intake.routing_client import RoutingClient
from intake.settings import Settings
from intake.topics import Topics

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
PATIENCE = 0.5  # seconds that a POST waits for a catalogue that was never read: a report is not lost for it
FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Written:
    """A list in its form, and how many it holds."""

    body: bytes
    count: int


@dataclass(frozen=True)
class Desk:
    """The public counter."""

    settings: Settings
    clients: Clients
    topics: Topics
    attributes: Attributes
    requests: Requests
    catalogues: Cache[None, Catalogue]
    pages: Cache[tuple[Asked | None, Form], Written]  # of requests, and of the services

    @classmethod
    def of(cls, settings: Settings, routing: RoutingClient, topics: Topics, database: Database) -> Self:
        """From what the service has; ValueError where the keys or the attributes are not well written."""
        requests = Requests(routing, topics, Own(database, routing), Cache(FRESH_SECONDS))
        clients, attributes = Clients.load(settings.open311_keys), load_attributes()
        return cls(
            settings, clients, topics, attributes, requests, Cache(FRESH_SECONDS), Cache(settings.open311_seconds)
        )

    async def catalogue(self) -> Catalogue:
        """The services; Problem 503 where routing never answered."""

        async def make() -> Catalogue:
            return Catalogue.of(await self.topics.get(), self.attributes)

        return await self.catalogues.get(None, make)

    async def catalogue_soon(self) -> Catalogue | None:
        """The services, unless they are not known and routing does not answer at once."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.catalogue()
        except (TimeoutError, Problem):
            return None

    async def services(self, form: Form) -> Written:
        """The list of services; the same for all who ask within a moment."""

        async def make() -> Written:
            services = (await self.catalogue()).documents
            return Written(written(form, "services", services), len(services))

        return await self.pages.get((None, form), make)

    async def page(self, asked: Asked, form: Form) -> Written:
        """A list of requests, likewise."""

        async def make() -> Written:
            found = await self.requests.find(asked, datetime.now(UTC))
            return Written(written(form, "service_requests", found), len(found))

        return await self.pages.get((asked, form), make)

    def check_jurisdiction(self, given: str | None) -> None:
        """Refused 404 for another city's; there is one here, so that it may be left out."""
        if given and given != self.settings.open311_jurisdiction:
            raise Refused(404, ["jurisdiction_id was not found; it may be left out."])

    def discovery(self, url: str) -> dict[str, Any]:
        """Where this is served, and where an api_key is had. All fields are texts."""
        own = self.settings
        endpoint = {
            "specification": SPECIFICATION,
            "url": own.open311_url or url,
            "changeset": own.open311_changeset,
            "type": own.open311_type,
            "formats": ["text/xml", "application/json"],
        }
        return {
            "changeset": own.open311_changeset,
            "contact": own.open311_contact,
            "key_service": own.open311_key_service,
            "endpoints": [endpoint],
        }


async def desk_of(request: Request) -> Desk:
    """The desk of the service that serves a request."""
    desk: Desk = request.app.state.open311
    return desk
