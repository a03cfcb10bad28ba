"""What the demo shows besides the day: decisions with their reasons, a duplicate answered, a bounce that comes back,
an incident, and a deadline that passed. Each scene says whether it went as it should."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
from rich.console import Console
from rich.table import Table

from workbench.reconcile import answers_sent
from workbench.system import Workbench

PATIENCE = 30.0  # seconds
_TEXTS = (
    "dast forooshaye jeloye dar metro tajrish rah ro bastan",
    "شاخه درخت کوچه ما روی سیم برق افتاده و جرقه می‌زند، نارمک",
    "برق کل کوچه از دیشب قطع است، منطقه ۵",
    "ممنون از رفتگر محله، ولی جوی جلوی مسجد گرفته و بو می‌دهد",
    "سلام، لطفا رسیدگی کنید",
)
_MINUTE = """
rules:

- name: the demo's minute
  when: {topics: [OR-SPORT], kinds: [request]}
  then: {unit: topic, deadline: {respond: 1, resolve: 1, by: clock}}
"""
_POINT = {"lat": 35.7219, "lon": 51.3347}


class Run(Protocol):
    """The demo's hands: it asks services as some role."""

    bench: Workbench

    async def post(self, address: str, who: str, body: Any, **headers: str) -> httpx.Response:
        """Post to `service/path`."""

    async def get(self, service: str, path: str, **query: str) -> Any:
        """The answer's JSON."""


@dataclass(frozen=True)
class Stage:
    """Where scenes are played."""

    run: Run
    console: Console

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(text, soft_wrap=True)

    async def send(self, text: str, **more: Any) -> str:
        """A citizen writes by the app; the code."""
        body = {"text": text, "phone": f"0912{uuid.uuid4().int % 10_000_000:07d}"} | more
        return str((await self.run.post("intake/v1/app/messages", "app", body)).json()["code"])

    async def case(self, code: str) -> dict[str, Any]:
        """The case of a code, as soon as routing has it."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                found: dict[str, Any] = await self.run.get("routing", f"/v1/cases/{code}")
                return found
            except httpx.HTTPStatusError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(0.1)

    async def step(self, code: str, name: str, body: Any, who: str | None = None) -> dict[str, Any]:
        """A step by staff of the unit that has the case, or by someone else."""
        case = await self.case(code)
        seen = {"If-Match": f'"{case["revision"]}"'}
        answer = await self.run.post(f"routing/v1/cases/{code}/{name}", who or f"staff:{case['unit']}", body, **seen)
        taken: dict[str, Any] = answer.json()
        return taken

    async def until(self, holds: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> bool:
        """Whether it holds in time."""
        until = time.monotonic() + seconds
        while not await holds():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.2)
        return True


async def begin_escalation(stage: Stage) -> str:
    """A case that is due in a minute, by a rule that lapses by itself; its code. It is looked at after the day."""
    rules = await stage.run.get("routing", "/v1/rules")
    lapses = (datetime.now(UTC) + timedelta(minutes=3)).isoformat()
    plain = str(rules["yaml"]).replace(_MINUTE, "\nrules:\n")  # that of a demo just before may still be in force
    draft = {
        "yaml": plain.replace("\nrules:\n", _MINUTE, 1),
        "note": "the demo's minute",
        "valid_until": lapses,
    }
    await stage.run.post("routing/v1/rules", "supervisor", draft | {"based_on": rules["newest"]})
    question = {"text": "چمن ورزشگاه خشک شده است", "topic": "OR-SPORT", "kind": "request"}

    async def in_force() -> bool:
        answer = await stage.run.post("routing/v1/decisions", "supervisor", question)
        return bool(answer.json()["rule"] == "the demo's minute")

    await stage.until(in_force)
    return await stage.send(question["text"], topic="OR-SPORT", kind="request")


async def see_escalation(stage: Stage, code: str) -> bool:
    """Its deadline passed, and the unit above was told."""

    async def breached() -> bool:
        told = await stage.run.get("reporting", f"/v1/cases/{code}/timeline")
        return any(step["step"] == "breach" for step in told["steps"])

    good = await stage.until(breached, seconds=90)
    case = await stage.case(code)
    stage.say(f"[bold]an escalation[/]: {code} is late at {case['unit']}, {case['escalated_to']} knows: {word(good)}")
    return good


async def play_scenes(stage: Stage) -> bool:
    """All scenes; whether each went as it should."""
    scenes = (show_decisions, answer_duplicates, bounce_twice, live_through_an_incident)
    return all([await scene(stage) for scene in scenes])


async def show_decisions(stage: Stage) -> bool:
    """What would be decided, and why; nothing is stored."""
    answer = await stage.run.post("routing/v1/decisions", "supervisor", [{"text": text} for text in _TEXTS])
    table = Table("a citizen writes", "topic", "unit", "because", title="decisions and their reasons")
    for text, decision in zip(_TEXTS, answer.json(), strict=True):
        topic = decision["topic"] or "a person decides"
        because = "; ".join(r["because"] for r in decision["reasons"] if r["step"] in ("topic", "place", "urgency"))
        table.add_row(text, f"{topic}{' urgent' if decision['urgent'] else ''}", decision["unit"], because)
    stage.console.print(table)
    return len(answer.json()) == len(_TEXTS)


async def answer_duplicates(stage: Stage) -> bool:
    """Two citizens report one pothole; one repair answers both."""
    first = await stage.send("چاله بزرگی وسط خیابان است", topic="TC-POTHOLE", place=_POINT)
    await stage.case(first)
    second = await stage.send("این چاله خطرناک وسط خیابان را پر کنید", topic="TC-POTHOLE", place=_POINT)
    joined = (await stage.case(second))["parent"]
    await stage.step(first, "work-orders", {"officer": "گشت"})
    await stage.step(first, "findings", {"finding": "actionable"})
    await stage.step(first, "completions", {"outcome": "چاله ترمیم شد"})

    async def told() -> bool:
        return await answers_sent(stage.run.bench, [first, second]) == 2

    good = joined == first and await stage.until(told)
    stage.say(f"\n[bold]a duplicate[/]: {second} was joined to {joined}; one repair, two citizens told: {word(good)}")
    return good


async def bounce_twice(stage: Stage) -> bool:
    """Twice “not ours” ends at HQ, not in a circle."""
    code = await stage.send("جوی کوچه گرفته است", topic="US-GUTTER", place={"region": 5})
    case = await stage.case(code)
    await stage.step(code, "bounces", {"reason": "این کوچه در منطقه ۲ است"})
    await stage.step(code, "referrals", {"unit": "region-2", "reason": "نشانی در منطقه ۲ است"}, "supervisor")
    end = await stage.step(code, "bounces", {"reason": "این سمت خیابان با منطقه ۵ است"})
    good = str(end["unit"]).startswith("hq-")
    stage.say(f"[bold]a bounce[/]: {case['unit']} → region-2 → {end['unit']}: {word(good)}")
    return good


async def live_through_an_incident(stage: Stage) -> bool:
    """A burst of reports opens an incident by itself; what is announced reaches each member once."""
    places = [{"lat": 35.6401 + n * 0.0004, "lon": 51.4129 + (n % 7) * 0.0009} for n in range(40)]
    sent = [stage.send("آب وسط خیابان جمع شده و بالا می‌آید", topic="US-FLOOD-STREET", place=p) for p in places]
    codes = await asyncio.gather(*sent)
    await asyncio.gather(*map(stage.case, codes))
    found = [i for i in (await stage.run.get("routing", "/v1/incidents"))["items"] if 16 in i["regions"]]
    if not found:
        stage.say(f"[bold]an incident[/]: none opened: {word(False)}")
        return False
    incident = f"/v1/incidents/{found[0]['id']}"
    text = {"text": "دو اکیپ تخلیه آب به محل رفتند"}
    await stage.run.post(f"routing{incident}/announcements", "supervisor", text)

    async def told() -> bool:
        whole = await stage.run.get("routing", incident)
        said = whole["announcements"]
        return bool(said and said[0]["done_at"] and said[0]["reached"] >= len(codes))

    good = await stage.until(told)
    await stage.run.post(f"routing{incident}/closings", "supervisor", {"note": "آب تخلیه شد"})
    stage.say(f"[bold]an incident[/]: {found[0]['family']} in regions {found[0]['regions']}; told to all: {word(good)}")
    return good


def word(good: bool) -> str:
    """How a scene went."""
    return "good" if good else "BROKEN"
