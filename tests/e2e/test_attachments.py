"""A photo's way through the services: from a citizen's app to the staff of the unit whose case it is."""

import asyncio
import json
from typing import Any

import httpx
from workbench.system import Workbench

from tests.photos import a_photo_at_azadi

MESSAGE = {"text": "جوی محله پر از زباله است", "topic": "US-GUTTER", "place": {"region": 5}}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def unit_of(city: Workbench, client: httpx.AsyncClient, code: str) -> str:
    supervisor = bearer(city.keys.token("supervisor"))
    for _ in range(600):
        answer = await client.get(f"{city.url('routing')}/v1/cases/{code}", headers=supervisor)
        if answer.status_code == 200:
            return str(answer.json()["unit"])
        await asyncio.sleep(0.05)
    raise AssertionError(f"no case {code}: {answer.text}")


async def listed(city: Workbench, client: httpx.AsyncClient, code: str, who: dict[str, str]) -> Any:
    return await client.get(f"{city.url('intake')}/v1/messages/{code}/attachments", headers=who)


async def test_a_photo_reaches_the_staff_of_its_case_and_nobody_else(city: Workbench) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        sent = await client.post(
            f"{city.url('intake')}/v1/app/messages",
            data={"message": json.dumps(MESSAGE)},
            files={"photo": ("1.jpg", a_photo_at_azadi(), "image/jpeg")},
            headers=bearer(city.keys.token("app", citizen="citizen-photo")),
        )
        assert sent.status_code == 202, sent.text
        code = sent.json()["code"]
        unit = await unit_of(city, client, code)
        theirs = await listed(city, client, code, bearer(city.keys.token("staff", unit=unit)))
        others = await listed(city, client, code, bearer(city.keys.token("staff", unit="region-22")))
        assert others.status_code == 404
        [photo] = theirs.json()["items"]
        served = await client.get(city.url("intake") + photo["url"])
    assert (served.status_code, served.headers["content-type"]) == (200, "image/jpeg")
    assert b"Exif" not in served.content
