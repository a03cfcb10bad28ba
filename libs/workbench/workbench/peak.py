"""A peak hour on the telephone, played in seconds: the queue fills, callers take other ways, and all are accounted for.

The exchange here is a small simulation (Poisson callers, exponential talks and patience) that tells intake every event
with its time, and asks it what to offer; what a caller then takes is drawn. The hour lies a little in the past.
"""

import heapq
import itertools
import random
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from common.calendar import shift_of

from workbench.scenes import Stage
from workbench.story import print_shifts

CALLS, OPERATORS = 200, 5  # an hour of 6.7 erlang for five
TALK, PATIENCE = 120.0, 400.0  # seconds, means
AGO = timedelta(minutes=80)
TAKES = {"callback": 0.4, "link": 0.35, "wait": 0.25}  # of those who are offered a choice
WRITES, PICKS_UP = 0.6, 0.75
TEXTS = (
    ("جوی کوچه پر از زباله است", "US-GUTTER"),
    ("مخزن زباله سر کوچه شکسته است", "US-WASTE-BIN"),
    ("چاله‌ای وسط خیابان است", "TC-POTHOLE"),
    ("شاخه‌ها پیاده‌رو را بسته است", "GS-PRUNE"),
    ("خط‌کشی خیابان پاک شده است", "TT-MARKING"),
)
_FIGURES = ("callback", "link", "links_followed", "deflected_messages", "callbacks_reached", "answered")


@dataclass
class Peak:
    """The exchange's side of the hour."""

    stage: Stage
    seed: int
    begin: datetime
    queue: str
    tally: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    worst: tuple[float, int] = (0.0, 0)  # seconds expected, callers waiting

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._later: list[tuple[float, int, Callable[..., None], str]] = []
        self._order = itertools.count()
        self._waiting: deque[str] = deque()
        self._joined: dict[str, float] = {}
        self._free = OPERATORS
        self._untold: list[dict[str, Any]] = []
        self.numbers: dict[str, str] = {}

    async def play(self) -> None:
        """Every caller of the hour, and then until the last has been answered or has given up."""
        await self._work("busy", self.begin)
        now = 0.0
        for n in range(CALLS):
            now += self._dice.expovariate(CALLS / 3600)
            self._until(now)
            await self._call(f"{self.queue}-{n}", now)
        self._until(float("inf"))
        await self._tell()
        await self._work("offline", datetime.now(UTC))

    async def _call(self, call_id: str, now: float) -> None:
        self.numbers[call_id] = f"0912{self._dice.randrange(10_000_000):07d}"
        self._happen(call_id, "joined", now)
        await self._tell()
        about = {"call_id": call_id, "queue": self.queue, "caller": self.numbers[call_id], "at": self._at(now)}
        decision = (await self.stage.run.post("intake/v1/phone/decisions", "service", about)).json()
        self.worst = max(self.worst, (decision["estimate_seconds"], len(self._waiting)))
        if decision["offer"] == "choice" and await self._leaves(call_id, decision["options"], now):
            return
        self._joined[call_id] = now
        self._waiting.append(call_id)
        heapq.heappush(
            self._later,
            (now + self._dice.expovariate(1 / PATIENCE), next(self._order), self._give_up, call_id),
        )
        self._answer(now)

    async def _leaves(self, call_id: str, options: list[str], now: float) -> bool:
        choice = self._dice.choices(options, [TAKES[option] for option in options])[0]
        to = self._dice.choice(("bot", "app"))
        body = {"choice": choice, "at": self._at(now)} | ({"to": to} if choice == "link" else {})
        await self.stage.run.post(f"intake/v1/phone/decisions/{call_id}/choice", "service", body)
        self.tally["offered"] += 1
        self.tally[choice] += 1
        if choice == "wait":
            return False
        self._happen(call_id, "ended", now + 20)
        if choice == "link" and self._dice.random() < WRITES:
            await self._follow(call_id, to, now + 120)
        return True

    async def _follow(self, call_id: str, to: str, now: float) -> None:
        """The caller writes by the link that they got."""
        body = self.message(call_id, now)
        if to == "bot":
            body |= {"platform": "bale", "user_id": call_id, "message_id": uuid.uuid4().hex}
        path, role = ("social", "bot") if to == "bot" else ("app", "app")
        await self.stage.run.post(f"intake/v1/{path}/messages", role, body)
        self.tally["links_followed"] += 1
        self.tally[to] += 1

    def message(self, call_id: str, now: float) -> dict[str, Any]:
        """What they write, tied to the call."""
        text, topic = self._dice.choice(TEXTS)
        self.tally["deflected_messages"] += 1
        body = {"text": text, "topic": topic, "place": {"region": self._dice.randint(1, 22)}, "call_id": call_id}
        return body | {"phone": self.numbers[call_id], "occurred_at": self._at(now)}

    def _until(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            when, _, act, call_id = heapq.heappop(self._later)
            act(call_id, when)

    def _give_up(self, call_id: str, now: float) -> None:
        if call_id in self._waiting:
            self._waiting.remove(call_id)
            self._happen(call_id, "abandoned", now)
            self.waits.append(now - self._joined[call_id])

    def _answer(self, now: float) -> None:
        while self._free and self._waiting:
            call_id = self._waiting.popleft()
            self._free -= 1
            self._happen(call_id, "answered", now)
            self.waits.append(now - self._joined[call_id])
            self.tally["answered"] += 1
            end = now + self._dice.expovariate(1 / TALK)
            heapq.heappush(self._later, (end, next(self._order), self._hang_up, call_id))

    def _hang_up(self, call_id: str, now: float) -> None:
        self._happen(call_id, "ended", now)
        self._free += 1
        self._answer(now)

    def _happen(self, call_id: str, event: str, now: float) -> None:
        told = {"call_id": call_id, "queue": self.queue, "event": event, "at": self._at(now)}
        self._untold.append(told | ({"caller": self.numbers[call_id]} if event == "joined" else {}))

    async def _tell(self) -> None:
        if self._untold:
            await self.stage.run.post("intake/v1/phone/events", "service", {"events": self._untold})
            self._untold = []

    async def _work(self, state: str, at: datetime) -> None:
        names = [f"{self.queue}-{n}" for n in range(OPERATORS)]
        agents = [{"queue": self.queue, "agent": name, "state": state, "at": at.isoformat()} for name in names]
        await self.stage.run.post("intake/v1/phone/events", "service", {"agents": agents})

    def _at(self, now: float) -> str:
        return (self.begin + timedelta(seconds=now)).isoformat()

    async def call_back(self) -> None:
        """Operators make the callbacks that are due; one who is not reached is tried again later, not here."""
        while True:
            taken = await self.stage.run.post("intake/v1/phone/callbacks/next", "operator", {})
            if taken.status_code == 204:
                return
            call_id = taken.json()["call_id"]
            reached = self._dice.random() < PICKS_UP
            outcome = {"outcome": "reached" if reached else "missed"}
            await self.stage.run.post(f"intake/v1/phone/callbacks/{call_id}/outcomes", "operator", outcome)
            self.tally["missed"] += not reached
            if reached and call_id in self.numbers:
                self.tally["callbacks_reached"] += 1
                await self.stage.run.post("intake/v1/phone/messages", "operator", self.message(call_id, 3600))


async def peak_hour(stage: Stage, seed: int = 137) -> bool:
    """Play the hour; whether the report of shifts tells the deflected apart as they were played."""
    queue = f"137-peak-{uuid.uuid4().hex[:6]}"
    peak = Peak(stage, seed, datetime.now(UTC) - AGO, queue)
    before = await _reported(stage, peak.begin)
    await peak.play()
    await peak.call_back()
    expected = {name: peak.tally[name] for name in _FIGURES}
    found: dict[str, int] = {}

    async def reconciled() -> bool:
        after = await _reported(stage, peak.begin)
        found.update({name: after[name] - before[name] for name in _FIGURES})
        return found == expected

    good = await stage.until(reconciled) and all(peak.tally[way] for way in ("bot", "app", "callbacks_reached"))
    _say(stage, peak, found, good=good)
    told = [item for item in await _shifts(stage, peak.begin) if sum(item["deflected"].values())]
    print_shifts(stage.console, told, "the shift of the peak hour")
    return good


async def _shifts(stage: Stage, begin: datetime) -> list[dict[str, Any]]:
    """The report of the shifts since the hour began."""
    days = {"from": shift_of(begin).day.isoformat(), "to": shift_of(datetime.now(UTC)).day.isoformat()}
    report = await stage.run.get("reporting", "/v1/reports/shifts", **days)
    items: list[dict[str, Any]] = report["items"]
    return items


async def _reported(stage: Stage, begin: datetime) -> Counter[str]:
    """Their figures."""
    sums: Counter[str] = Counter()
    for item in await _shifts(stage, begin):
        sums.update(item["deflected"])
        sums.update({name: item[name] for name in ("deflected_messages", "callbacks_reached")})
        sums["answered"] += item["calls"]["answered"]
    return sums


def _say(stage: Stage, peak: Peak, found: dict[str, int], *, good: bool) -> None:
    tally, (seconds, waiting) = peak.tally, peak.worst
    waits = sorted(peak.waits)
    stage.say(
        f"\n[bold]a peak hour[/]: {CALLS} calls for {OPERATORS} operators; at its worst {waiting} waited and "
        f"{seconds:.0f} s were expected. {tally['offered']} were offered another way: {tally['callback']} took a "
        f"callback, {tally['link']} a link ({tally['bot']} wrote to the bot, {tally['app']} by the app), "
        f"{tally['wait']} stayed. Of those who stayed 95 of 100 waited {waits[int(len(waits) * 0.95)]:.0f} s at most."
    )
    stage.say(
        f"  the report of shifts: {found['callback']} + {found['link']} deflected, {found['deflected_messages']} "
        f"messages of theirs, {found['callbacks_reached']} called back ({tally['missed']} to be tried again), "
        f"{found['answered']} answered: "
        f"{'good' if good else 'BROKEN'}"
    )
