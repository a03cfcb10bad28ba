"""What the demo shows of the channels: a bot that asks for what is missing, a neighbour who joins in the app, a report
by Open311. Each scene says whether it went as it should."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from common.codes import is_code
from common.persian import latin_digits

from workbench.home import SANDBOX
from workbench.scenes import Stage, word

_HOLE = {"lat": 35.6995, "lon": 51.3372}
_BIN = {"lat": "35.7402", "long": "51.3731"}


@dataclass(frozen=True)
class Chat:
    """A citizen of the sandbox on Telegram, and what the bot wrote to them."""

    stage: Stage
    number: int

    async def say(self, **said: Any) -> None:
        """Send words or a place."""
        await self.stage.run.post(f"{SANDBOX}/chats/telegram", "bot", {"chat": self.number, **said})

    async def heard(self, count: int) -> list[str]:
        """The bot's words, once there are so many, or as many as came in time."""
        found: list[str] = []

        async def came() -> bool:
            chats = await self.stage.run.get(SANDBOX, "/chats")
            found[:] = [one["text"] for one in chats if one["to"] == str(self.number)]
            return len(found) >= count

        await self.stage.until(came)
        return found


async def play_channels(stage: Stage) -> bool:
    """All scenes; whether each went as it should."""
    scenes = (write_to_a_bot, join_a_neighbour, report_by_open311)
    return all([await scene(stage) for scene in scenes])


async def write_to_a_bot(stage: Stage) -> bool:
    """The bot asks for place and photo, gives the code, and says later how the case stands."""
    chat = Chat(stage, uuid.uuid4().int % 10**9)
    said = ("جوی کوچه ما پر از زباله است", "ندارم")
    await chat.say(text=said[0])
    await chat.heard(1)
    await chat.say(lat=35.7402, lon=51.3731)
    await chat.heard(2)
    await chat.say(text=said[1])
    answers = await chat.heard(3)
    codes = [code for code in re.findall(r"\d{10}", latin_digits(answers[-1] if answers else "")) if is_code(code)]
    if codes:
        await chat.say(text=f"کد {codes[0]} چه شد؟")
        answers = await chat.heard(4)
    good = len(answers) == 4
    stage.say(f"\n[bold]a bot[/] on Telegram: {word(good)}")
    for line in (said[0], *answers[:1], "(a place)", *answers[1:2], said[1], *answers[2:]):
        stage.say(f"  {line}")
    return good


async def join_a_neighbour(stage: Stage) -> bool:
    """A citizen is shown that it was reported already, joins, and gives stars for the answer."""
    topic, who = "TC-POTHOLE", f"app:neighbour-{uuid.uuid4().hex[:8]}"
    first = await stage.send("چاله عمیقی وسط خیابان است", topic=topic, place=_HOLE)
    await stage.case(first)
    near = await _asked(stage, who, "nearby", topic=topic, **{name: str(value) for name, value in _HOLE.items()})
    if not near["items"]:
        stage.say(f"[bold]a neighbour[/] was shown nothing: {word(False)}")
        return False
    same = {"text": "همین چاله را من هم دیدم", "topic": topic, "joins": near["items"][0]["reference"]}
    code = str((await stage.run.post("intake/v1/app/messages", who, same)).json()["code"])
    parent = (await stage.case(code))["parent"]
    await stage.step(first, "work-orders", {"officer": "گشت"})
    await stage.step(first, "findings", {"finding": "actionable"})
    await stage.step(first, "completions", {"outcome": "چاله ترمیم شد"})

    async def answered() -> bool:
        return "accept" in (await _asked(stage, who, f"messages/{code}"))["may"]

    good = parent == first and await stage.until(answered)
    if good:
        await stage.run.post(f"intake/v1/app/messages/{code}/feedback", who, {"answer": "accept", "stars": 5})

    async def accepted() -> bool:
        return bool((await stage.case(code))["status"] == "accepted")

    good = good and await stage.until(accepted)
    stage.say(
        f"[bold]a neighbour[/] in the app: {code} joined {parent}, was answered with it, five stars: {word(good)}"
    )
    return good


async def report_by_open311(stage: Stage) -> bool:
    """A client of Open311 reports, and finds its request in the public list."""
    bench = stage.run.bench
    address = f"{bench.url('intake')}/open311/v2"
    form = {"service_code": "US-WASTE-BIN", "description": "مخزن زباله شکسته است", **_BIN}
    form["api_key"] = bench.keys.open311_key.read_text().strip()
    async with httpx.AsyncClient(timeout=10) as client:
        posted = await client.post(f"{address}/requests.json", data=form)
        code = posted.json()[0]["service_request_id"] if posted.status_code in (200, 201) else "none"
        await stage.case(code)
        shown = (await client.get(f"{address}/requests/{code}.json")).json()
    good = bool(shown) and shown[0]["service_request_id"] == code and "شکسته" not in str(shown)
    stage.say(f"[bold]Open311[/]: request {code} is {shown[0]['status']}, without the citizen's words: {word(good)}")
    return good


async def _asked(stage: Stage, who: str, path: str, **query: str) -> Any:
    """What the app is told, as the citizen `app:name`."""
    bench = stage.run.bench
    token = bench.keys.token("app", citizen=who.partition(":")[2])
    async with httpx.AsyncClient(timeout=10) as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.get(f"{bench.url('intake')}/v1/app/{path}", params=query, headers=headers)
    answer.raise_for_status()
    return answer.json()
