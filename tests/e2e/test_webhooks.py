"""What citizens write on each platform is answered there, by all services together."""

import asyncio
import re
from typing import Any

import httpx
from intake.channels.meta.signature import signature
from workbench.home import SANDBOX
from workbench.system import Workbench

from tests import payloads

TEXT = "جوی آب کوچه ۱۲ خیابان بهار در منطقه ۵ گرفته است"
NUMBER = "+989127654321"
ACCOUNTS = {"whatsapp": "989127654322", "instagram": "17841400000000077", "rubika": "b0QFtWebhooks"}


async def _as_meta(client: httpx.AsyncClient, city: Workbench, document: Any) -> None:
    body = payloads.body(document)
    header = {"X-Hub-Signature-256": "sha256=" + signature(body, city.keys.platform_secret)}
    answer = await client.post(f"{city.url('intake')}/v1/social/whatsapp", content=body, headers=header)
    assert answer.status_code == 200


async def _everybody_writes(client: httpx.AsyncClient, city: Workbench) -> None:
    secret, intake = city.keys.platform_secret, city.url("intake")
    said = payloads.whatsapp_message(text={"body": TEXT}, **{"from": ACCOUNTS["whatsapp"]})
    await _as_meta(client, city, payloads.whatsapp_batch(said))
    event = payloads.instagram_event(message={"mid": "m_1", "text": TEXT}, sender={"id": ACCOUNTS["instagram"]})
    await _as_meta(client, city, payloads.instagram_batch(event))
    document = payloads.rubika_message(text=TEXT)
    document["update"]["chat_id"] = ACCOUNTS["rubika"]
    answer = await client.post(f"{intake}/v1/social/rubika/{secret}/receiveUpdate", json=document)
    assert answer.json() == {"status": "OK"}
    form = payloads.sms_form(message=TEXT, **{"from": NUMBER})
    assert (await client.post(f"{intake}/v1/social/sms/{secret}", content=form)).status_code == 200


async def test_who_writes_on_a_platform_is_answered_there(city: Workbench) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        await _everybody_writes(client, city)
        async with asyncio.timeout(150):
            while (told := await _told(client, city.url(SANDBOX))).keys() != {*ACCOUNTS, "sms"}:
                await asyncio.sleep(0.2)
    assert re.search("کد رهگیری [۰-۹]{10}", told.pop("sms"))
    assert all("اگر عکسی دارید بفرستید" in question for question in told.values()), told


async def _told(client: httpx.AsyncClient, sandbox: str) -> dict[str, str]:
    """By platform, the last that its citizen was told."""
    chats = (await client.get(f"{sandbox}/chats")).json()
    mine = (await client.get(f"{sandbox}/ledger", params={"receptor": NUMBER})).json()
    told = {one["platform"]: one["text"] for one in chats if ACCOUNTS.get(one["platform"]) == one["to"]}
    return told | ({"sms": mine[-1]["message"]} if mine else {})
