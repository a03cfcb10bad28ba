"""The demo: one day of a simulated city, through the real system, reconciled at its end."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from common.calendar import jalali, shift_of
from rich.console import Console
from rich.progress import Progress

from workbench.channel_scenes import play_channels
from workbench.city import Planned, plan_calls, plan_day
from workbench.home import SANDBOX
from workbench.peak import peak_hour
from workbench.reconcile import Balance, answers_sent, settle, topics_of
from workbench.scenes import Stage, begin_escalation, play_scenes, see_escalation
from workbench.story import print_shifts, print_story
from workbench.system import Workbench

AT_A_TIME = 12
ANSWER = "پاسخ پرسش شما در سامانه ۱۳۷ ثبت شد و کارشناس توضیح داد"
OUTCOMES = ("محل شست‌وشو و لایروبی شد", "چاله ترمیم شد", "مانع برداشته شد", "شاخه خطرناک هرس شد", "مورد اصلاح شد")


@dataclass
class Day:
    """What was done, and what is expected to have come of it."""

    bench: Workbench
    client: httpx.AsyncClient
    progress: Progress
    codes: dict[str, Planned] = field(default_factory=dict)
    answered: dict[str, Planned] = field(default_factory=dict)
    replied: dict[str, str] = field(default_factory=dict)

    async def post(self, address: str, who: str, body: Any, **headers: str) -> httpx.Response:
        """Post to `service/path` as a role (`staff:unit`, `app:citizen`); an unexpected error ends the demo."""
        service, _, path = address.partition("/")
        answer = await self.client.post(f"{self.bench.url(service)}/{path}", json=body, headers=self._as(who) | headers)
        answer.raise_for_status()
        return answer

    async def get(self, service: str, path: str, **query: str) -> Any:
        """Read as a supervisor."""
        answer = await self.client.get(f"{self.bench.url(service)}{path}", params=query, headers=self._as("supervisor"))
        answer.raise_for_status()
        return answer.json()

    def _as(self, who: str) -> dict[str, str]:
        role, _, unit = who.partition(":")
        citizen = (unit or "demo") if role == "app" else None
        token = self.bench.keys.token(role, unit=None if citizen else unit or None, citizen=citizen)
        return {"Authorization": f"Bearer {token}"}


async def play(bench: Workbench, console: Console) -> bool:
    """Play the day before today; whether every figure reconciles."""
    started = time.monotonic()
    seed = int(time.time())
    day = shift_of(datetime.now(UTC) - timedelta(days=1)).day
    planned = plan_day(day, seed)
    console.rule(f"one day of a city: {jalali(day)}, {len(planned)} messages")
    async with httpx.AsyncClient(timeout=30) as client:
        with Progress(console=console) as progress:
            run = Day(bench, client, progress)
            late = await begin_escalation(Stage(run, console))
            await _calls(run, list(plan_calls(planned, day, seed)))
            await _each(run, "citizens write and call", planned, _send)
            routed = await settle(bench, run.codes, 60)
            await _each(run, "staff work the cases", list(run.codes.items()), _work)
            await _told(run)
            await _each(run, "citizens reply 31 or 33", list(run.answered.items()), _reply)
            replied = await _replied(run)
        reconciled = await _close(run, console, routed, replied)
        reconciled = await play_scenes(Stage(run, console)) and reconciled
        reconciled = await play_channels(Stage(run, console)) and reconciled
        reconciled = await peak_hour(Stage(run, console)) and reconciled
        reconciled = await see_escalation(Stage(run, console), late) and reconciled
        console.print(f"played in {time.monotonic() - started:.0f} s")
    return reconciled


async def _each(run: Day, title: str, items: list[Any], work: Any) -> None:
    task = run.progress.add_task(title, total=len(items))
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await work(run, item)
            run.progress.advance(task)

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))


async def _calls(run: Day, events: list[dict[str, Any]]) -> None:
    task = run.progress.add_task("telephones ring", total=len(events))
    random.Random(1).shuffle(events)  # an exchange's events come in any order
    for n in range(0, len(events), 500):
        await run.post("intake/v1/phone/events", "service", {"events": events[n : n + 500]})
        run.progress.advance(task, len(events[n : n + 500]))


async def _send(run: Day, one: Planned) -> None:
    role = {"phone": "operator", "social": "bot", "app": "app"}[one.channel]
    answer = await run.post(f"intake/v1/{one.channel}/messages", role, one.body)
    run.codes[answer.json()["code"]] = one


async def _work(run: Day, item: tuple[str, Planned]) -> None:
    """A work order, the finding, and, where there is something to do, that it is done; a question is answered."""
    code, one = item
    case = await run.get("routing", f"/v1/cases/{code}")
    if case["status"] != "referred":
        return  # settled at once, or joined to a case of the same matter, whose answer it gets
    if case["kind"] in ("inquiry", "thanks"):
        await _step(run, code, "completions", {"outcome": ANSWER})
        run.answered[code] = one
        return
    if one.finding == "wrong_unit" and case["unit"] != "hq-triage":
        await _step(run, code, "bounces", {"reason": "در حیطه این واحد نیست"})
        return
    await _step(run, code, "work-orders", {"officer": "گشت"})
    finding = "actionable" if one.finding == "wrong_unit" else one.finding  # nobody stands above the triage desk
    await _step(run, code, "findings", {"finding": finding})
    if finding == "actionable":
        await _step(run, code, "completions", {"outcome": OUTCOMES[int(code[0]) % len(OUTCOMES)]})
    if one.finding != "deferred":
        run.answered[code] = one


async def _step(run: Day, code: str, step: str, body: dict[str, Any]) -> None:
    case = await run.get("routing", f"/v1/cases/{code}")
    seen = {"If-Match": f'"{case["revision"]}"'}
    await run.post(f"routing/v1/cases/{code}/{step}", f"staff:{case['unit']}", body, **seen)


async def _told(run: Day) -> None:
    """Until every answer has reached its citizen, who could not reply before."""
    task = run.progress.add_task("SMS go out", total=len(run.answered))
    while True:
        told = await answers_sent(run.bench, list(run.answered))
        run.progress.update(task, completed=told)
        if told == len(run.answered):
            return
        await asyncio.sleep(0.2)


async def _reply(run: Day, item: tuple[str, Planned]) -> None:
    code, one = item
    if one.reply is None:
        return
    body = {"sender": one.body["phone"], "text": f"{one.reply} {code}" if int(code[-1]) % 2 else one.reply}
    (await run.client.post(f"{run.bench.url(SANDBOX)}/inbox", json=body)).raise_for_status()
    run.replied[code] = one.reply


async def _replied(run: Day) -> dict[str, int]:
    """Until reporting knows of every reply; what it counts."""
    until = time.monotonic() + 30
    while True:
        found = {"31": 0, "33": 0}
        for code in run.replied:
            steps = [step["step"] for step in (await run.get("reporting", f"/v1/cases/{code}/timeline"))["steps"]]
            found["31"] += "accept" in steps
            found["33"] += "object" in steps
        if sum(found.values()) == len(run.replied) or time.monotonic() > until:
            return found
        await asyncio.sleep(0.3)


async def _close(run: Day, console: Console, routed: Balance, replied: dict[str, int]) -> bool:
    report = await run.get("reporting", "/v1/reports/shifts", **_span(run))
    print_shifts(console, report["items"])
    accepted = next((code for code, reply in run.replied.items() if reply == "31"), next(iter(run.codes)))
    await print_story(console, run, accepted)
    console.print(await _referrals(run))
    final = await settle(run.bench, run.codes, 30)
    asked = {answer: sum(reply == answer for reply in run.replied.values()) for answer in ("31", "33")}
    good = final.good and routed.good and final.accepted == len(run.codes) == 600 and asked == replied
    console.print(f"\n[bold]{final.line()}[/]; replies {asked} = counted {replied}: {'good' if good else 'BROKEN'}")
    console.print(
        "Next: `make up` keeps it running; the SMS are at the sandbox's page, the routes at each service's /docs, "
        "the way of a message in docs/architecture.md."
    )
    return good


async def _referrals(run: Day) -> str:
    """How the topics that nobody had chosen compare with the labels."""
    open_ones = {code: one.topic for code, one in run.codes.items() if "topic" not in one.body}
    found = await topics_of(run.bench, list(open_ones))
    right = sum(found[code] == topic for code, topic in open_ones.items())
    unsure = sum(found[code] is None for code in open_ones)
    return f"topics that nobody had chosen: {right} of {len(open_ones)} as labelled, {unsure} left to a person"


def _span(run: Day) -> dict[str, str]:
    moments = [datetime.fromisoformat(one.body["occurred_at"]) for one in run.codes.values()]
    return {"from": shift_of(min(moments)).day.isoformat(), "to": shift_of(max(moments)).day.isoformat()}
