"""Asking routing over REST, for what only it knows: never inside a transaction, never for a contact to be accepted."""

import logging
from collections.abc import Mapping
from typing import Any

import httpx
import orjson
from common.errors import Problem, unavailable

from intake.settings import Settings

log = logging.getLogger(__name__)
SECONDS = 5.0
CONNECTIONS = (
    8  # as many as routing has to its database; httpcore looks at each at every call: 1.2 ms, with 32 it is 2.6
)


class RoutingClient:
    """One HTTP client for the life of the service."""

    def __init__(self, settings: Settings) -> None:
        token = settings.routing_token.read_text().strip() if settings.routing_token else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        url = settings.routing_url or ""
        self._client = httpx.AsyncClient(base_url=url, timeout=SECONDS, headers=headers, limits=limits)
        self._known = settings.routing_url is not None

    async def get(self, path: str, params: Mapping[str, str | int | float] | None = None) -> Any:
        """What routing answers; its 4xx as the same problem, 503 where it does not answer or is not set."""
        return await self._ask("GET", path, params=params)

    async def get_as(self, authorization: str, path: str) -> Any:
        """What routing answers to the caller who asks us, with their own token passed on."""
        return await self._ask("GET", path, headers={"Authorization": authorization})

    async def post(self, path: str, body: object) -> Any:
        """The same, of a question that is too long for an address."""
        return await self._ask("POST", path, json=body)

    async def _ask(self, method: str, path: str, **given: Any) -> Any:
        if not self._known:
            raise unavailable("Routing is not set here (PASOKH_ROUTING_URL); ask the one who runs this service.")
        try:
            answer = await self._client.request(method, path, **given)
        except httpx.HTTPError as error:
            raise unavailable("Routing does not answer now; try again.") from error
        if answer.status_code >= 500:
            raise unavailable("Routing cannot answer now; try again.")
        if answer.status_code in (401, 403) and "headers" not in given:
            log.error("routing refuses our own token with %d; is PASOKH_ROUTING_TOKEN out of date?", answer.status_code)
            raise unavailable("Routing does not know this service now; it is ours to mend.")
        try:
            document = orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:  # a proxy's page: what it says of a path is not routing's word
            raise unavailable("Routing cannot be reached now; try again.") from error
        if answer.status_code >= 400:
            raise Problem(answer.status_code, str(document.get("detail", "Routing refuses this.")))
        return document

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
