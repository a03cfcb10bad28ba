"""How a citizen's app asks, and what is found afterwards."""

import json
from pathlib import Path
from typing import Any

import httpx
from common.db import Database
from common.health import Pulse
from fastapi import FastAPI
from workbench.keys import Keys

from tests.integration.http import Asked

MESSAGE = {"text": "چراغ محله خاموش است"}

MESSAGE = {"text": "چراغ محله خاموش است"}
PHOTO = {"media_type": "image/jpeg", "size": 1000}


async def rows(database: Database) -> list[Any]:
    """All attachments."""
    async with database.transaction() as tx:
        return await tx.fetch("SELECT * FROM attachments ORDER BY code, position, created_at")


def stored_in(folder: Path) -> list[str]:
    """Names of the files in a folder."""
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def uploaded(intake: Asked, anyone: httpx.AsyncClient, data: bytes, who: str = "app") -> str:
    """The id of an upload that is there."""
    place = (await intake.post("/v1/app/uploads", who, PHOTO)).json()
    answer = await anyone.put(place["url"], content=data)
    assert answer.status_code == 200, answer.text
    return str(place["id"])


async def a_message_with_a_photo(intake: Asked, anyone: httpx.AsyncClient, data: bytes) -> str:
    """The code of a message whose photo went by link."""
    upload = await uploaded(intake, anyone, data)
    answer = await intake.post("/v1/app/messages", "app", MESSAGE | {"attachments": [upload]})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["code"])


async def with_photos(
    app: FastAPI, keys: Keys, *photos: bytes, message: Any = MESSAGE, key: str | None = None
) -> httpx.Response:
    """Post a message and its photos in one body."""
    headers = {"Authorization": f"Bearer {keys.token('app', citizen='citizen-1')}"}
    parts = [("photo", (f"{n}.jpg", photo, "image/jpeg")) for n, photo in enumerate(photos)]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.post(
            "/v1/app/messages",
            data={"message": message if isinstance(message, str) else json.dumps(message)},
            files=parts,
            headers=headers | ({"Idempotency-Key": key} if key else {}),
        )


def pulse() -> Pulse:
    """Of a loop that nobody watches."""
    return Pulse("sweep uploads")
