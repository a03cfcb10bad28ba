"""A citizen on a messenger, through the whole system as processes."""

import asyncio
import uuid

import httpx
import pytest
from common.persian import persian_digits
from workbench.home import SANDBOX
from workbench.reconcile import settle
from workbench.system import Workbench


@pytest.mark.parametrize("platform", ["telegram", "bale", "rubika", "whatsapp", "instagram", "eitaa"])
async def test_a_message_is_answered_on_the_messenger_that_it_came_by(city: Workbench, platform: str) -> None:
    chat = str(uuid.uuid4().int % 10**12)
    body = {"text": "جوی آب گرفته است", "platform": platform, "user_id": chat, "message_id": uuid.uuid4().hex}
    headers = {"Authorization": f"Bearer {city.keys.token('bot')}"}
    async with httpx.AsyncClient(timeout=30) as client:
        posted = await client.post(f"{city.url('intake')}/v1/social/messages", json=body, headers=headers)
        code = posted.json()["code"]
        assert (await settle(city, [code])).good
        async with asyncio.timeout(90):
            while not (told := await _told(client, city, platform, chat)):
                await asyncio.sleep(0.1)
    assert len(told) == 1
    assert persian_digits(code) in told[0]


async def _told(client: httpx.AsyncClient, city: Workbench, platform: str, chat: str) -> list[str]:
    listed = (await client.get(f"{city.url(SANDBOX)}/chats", params={"platform": platform})).json()
    return [one["text"] for one in listed if one["to"] == chat]
