"""A service's app with its group commit running, asked as a role."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from fastapi import FastAPI
from workbench.keys import Keys


class Asked:
    """Asks an app, as a role."""

    def __init__(self, app: FastAPI, keys: Keys) -> None:
        self.app = app
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")
        self._keys = keys

    async def post(self, path: str, who: str, body: Any, **headers: str) -> httpx.Response:
        """Post as `role` or `role:unit`."""
        return await self._client.post(path, json=body, headers=self._as(who) | _named(headers))

    async def get(self, path: str, who: str, **query: Any) -> httpx.Response:
        """Get as `role` or `role:unit`."""
        return await self._client.get(path, params=query, headers=self._as(who))

    async def delete(self, path: str, who: str) -> httpx.Response:
        """Delete as `role` or `role:unit`."""
        return await self._client.delete(path, headers=self._as(who))

    async def get_as(self, media_type: str, path: str, who: str) -> httpx.Response:
        """Get in a form that the service offers beside JSON."""
        return await self._client.get(path, headers=self._as(who) | {"Accept": media_type})

    def _as(self, who: str) -> dict[str, str]:
        role, _, unit = who.partition(":")
        citizen = (unit or "citizen-1") if role == "app" else None
        token = self._keys.token(role, unit=unit if role == "staff" else None, citizen=citizen)
        return {"Authorization": f"Bearer {token}"}


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@contextlib.asynccontextmanager
async def beside(*tasks: Any) -> AsyncIterator[None]:
    """Loops that run while a test asks."""
    running = [asyncio.create_task(task) for task in tasks]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
