"""A citizen talks to the city's bot: from the first word to the answer about the case, on the same chat."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from common.codes import is_code
from common.persian import latin_digits
from workbench.home import SANDBOX
from workbench.system import Workbench


class Citizen:
    """Writes to a bot through the sandbox, and reads what it answers."""

    def __init__(self, client: httpx.AsyncClient, url: str, platform: str, chat: int) -> None:
        self._client = client
        self._url = url
        self._platform = platform
        self._chat = chat

    async def say(self, **said: Any) -> None:
        """Send something, which intake takes."""
        answer = await self._client.post(f"{self._url}/chats/{self._platform}", json={"chat": self._chat, **said})
        assert answer.json() == {"status": 200}

    async def told(self, count: int) -> list[str]:
        """The bot's words, once there are so many."""
        async with asyncio.timeout(90):
            while len(texts := await self._texts()) < count:
                await asyncio.sleep(0.1)
        return texts

    async def _texts(self) -> list[str]:
        chats = (await self._client.get(f"{self._url}/chats")).json()
        mine = [one for one in chats if (one["platform"], one["to"]) == (self._platform, str(self._chat))]
        return [latin_digits(one["text"]) for one in mine]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as made:
        yield made


@pytest.mark.parametrize(("platform", "chat"), [("telegram", 70_000_001), ("bale", 70_000_002)])
async def test_from_the_first_word_to_where_the_case_stands(
    city: Workbench, client: httpx.AsyncClient, platform: str, chat: int
) -> None:
    citizen = Citizen(client, city.url(SANDBOX), platform, chat)
    await citizen.say(text="جوی کوچه ما پر از زباله است")
    await citizen.told(1)
    await citizen.say(lat=35.75, lon=51.41)
    asked = await citizen.told(2)
    await citizen.say(text="ندارم")
    [registered] = (await citizen.told(3))[2:]
    codes = [code for code in re.findall(r"\d{10}", registered) if is_code(code)]
    assert len(codes) == 1, registered
    await citizen.say(text=f"کد {codes[0]} چه شد؟")
    [standing] = (await citizen.told(4))[3:]
    assert codes[0] in standing
    assert codes[0] not in "".join(asked)


async def test_a_place_that_is_sent_after_the_accept_reaches_the_case(
    city: Workbench, client: httpx.AsyncClient
) -> None:
    citizen = Citizen(client, city.url(SANDBOX), "telegram", 70_000_003)
    await citizen.say(text="منطقه ۵ جوی پر از زباله است")
    await citizen.say(text="رد کن")
    registered = "\n".join(await citizen.told(2))
    [code] = [code for code in re.findall(r"\d{10}", registered) if is_code(code)]
    await citizen.say(lat=35.755, lon=51.3051)
    assert code in (await citizen.told(3))[2]
    supervisor = {"Authorization": f"Bearer {city.keys.token('supervisor')}"}
    async with asyncio.timeout(30):
        while (await _case(city, client, code, supervisor))["place"] is None:
            await asyncio.sleep(0.1)
    case = await _case(city, client, code, supervisor)
    assert (case["place"], case["unit"]) == ({"lat": 35.755, "lon": 51.3051}, "nahiye-5-1")
    assert [step["step"] for step in case["history"]] == ["refer", "amend", "refer"]


async def _case(city: Workbench, client: httpx.AsyncClient, code: str, headers: dict[str, str]) -> Any:
    return (await client.get(f"{city.url('routing')}/v1/cases/{code}", headers=headers)).json()
