"""A day of 12,000 calls at an Asterisk exchange, with a seed: what its queue says, and what became of each call."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.calendar import TEHRAN

QUEUE = "137"
SERVICE_SECONDS = 120.0
PATIENCE_SECONDS = 200.0
# Share of the day's calls by hour of Tehran: 60 % in the morning shift (07-15), 30 % at noon (15-23), 10 % at night,
# 10.5 % in each hour of the peak (10-12).
_MORNING = {7: 0.045, 8: 0.07, 9: 0.085, 10: 0.105, 11: 0.105, 12: 0.08, 13: 0.06, 14: 0.05}
_NOON = {15: 0.06, 16: 0.05, 17: 0.045, 18: 0.04, 19: 0.035, 20: 0.03, 21: 0.022, 22: 0.018}
_NIGHT = dict.fromkeys((23, 0, 1, 2, 3, 4, 5, 6), 0.0125)
SHARES = _MORNING | _NOON | _NIGHT
AGENTS = dict.fromkeys(_MORNING, 41) | dict.fromkeys(_NOON, 24) | dict.fromkeys(_NIGHT, 6)

Block = dict[str, str]


@dataclass(frozen=True)
class Fate:
    """What became of a call."""

    call_id: str
    joined_at: datetime
    outcome: str  # answered, abandoned, left
    gone_at: datetime  # when it was answered, given up or left
    ended_at: datetime | None = None
    agent: str | None = None


def plan_fates(day: datetime, count: int = 12_000, seed: int = 137) -> list[Fate]:
    """The calls of a day that begins at `day`: first come, first served, by as many agents as the hour has."""
    dice = random.Random(seed)
    free: list[tuple[float, int]] = []  # when an agent is free, and which
    on_duty = 0
    fates = []
    for n, joined in enumerate(_arrivals(dice, count)):
        hour = int(joined // 3600) % 24
        if on_duty != AGENTS[hour]:
            on_duty = AGENTS[hour]
            free = [(joined, agent) for agent in range(on_duty)]
        fate = _fate(f"{1_700_000_000 + n}.{n}", joined, free, dice)
        fates.append(_dated(day, *fate))
    return fates


def _arrivals(dice: random.Random, count: int) -> list[float]:
    hours = dice.choices(list(SHARES), weights=list(SHARES.values()), k=count)
    return sorted(hour * 3600 + dice.uniform(0, 3600) for hour in hours)


def _fate(
    call_id: str, joined: float, free: list[tuple[float, int]], dice: random.Random
) -> tuple[str, float, str, float]:
    begins = max(joined, free[0][0]) + dice.uniform(1, 4)  # an agent's telephone rings first
    gives_up = joined + dice.expovariate(1 / PATIENCE_SECONDS)
    if gives_up < begins:
        return call_id, joined, "left" if dice.random() < 0.1 else "abandoned", gives_up
    ends = begins + dice.uniform(0.4, 1.6) * SERVICE_SECONDS
    agent = free[0][1]
    heapq.heapreplace(free, (ends, agent))
    return call_id, joined, f"answered {agent} {ends}", begins


def _dated(day: datetime, call_id: str, joined: float, outcome: str, gone: float) -> Fate:
    def at(seconds: float) -> datetime:
        return day + timedelta(seconds=round(seconds, 3))

    kind, *rest = outcome.split()
    if not rest:
        return Fate(call_id, at(joined), kind, at(gone))
    return Fate(call_id, at(joined), kind, at(gone), at(float(rest[1])), str(401 + int(rest[0])))


def yesterday() -> datetime:
    """The start of yesterday in Tehran."""
    return datetime.now(TEHRAN).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


def say_day(fates: list[Fate]) -> list[Block]:
    """Everything that the exchange says that day, in the order in which it happens."""
    said = [said for fate in fates for said in _say(fate)]
    said.sort(key=lambda one: float(one["Timestamp"]))
    return said


def _say(fate: Fate) -> Iterator[Block]:
    number = f"0912{int(fate.call_id.split('.')[1]):07d}"
    about = {"Linkedid": fate.call_id, "Uniqueid": fate.call_id, "Queue": QUEUE, "CallerIDNum": number}
    yield _event("QueueCallerJoin", fate.joined_at, about | {"Position": "1", "Count": "1"})
    if fate.agent is None:
        if fate.outcome == "abandoned":
            yield _event("QueueCallerAbandon", fate.gone_at, about | {"HoldTime": "1"})
        yield _event("QueueCallerLeave", fate.gone_at + timedelta(milliseconds=1), about)
        yield _event("Hangup", fate.gone_at + timedelta(milliseconds=2), about | {"Cause": "16"})
        return
    yield from _served(fate, fate.agent, about)


def _served(fate: Fate, agent: str, about: Block) -> Iterator[Block]:
    assert fate.ended_at is not None
    member = {"MemberName": "کارشناس", "Interface": f"PJSIP/{agent}"}
    ringing = fate.gone_at - timedelta(seconds=0.9)
    yield _event("AgentCalled", ringing, about | member)
    yield _status(member, "6", ringing)
    yield _event("QueueCallerLeave", fate.gone_at - timedelta(milliseconds=1), about)
    yield _event("AgentConnect", fate.gone_at, about | member | {"HoldTime": "1", "RingTime": "1"})
    yield _status(member, "2", fate.gone_at)
    yield _event("AgentComplete", fate.ended_at, about | member | {"TalkTime": "1", "Reason": "caller"})
    yield _event("Hangup", fate.ended_at, about | {"Uniqueid": f"{fate.call_id}9", "Cause": "16"})  # the agent's leg
    yield _status(member, "1", fate.ended_at)
    yield _event("Hangup", fate.ended_at, about | {"Cause": "16"})


def _status(member: Block, status: str, at: datetime) -> Block:
    about = {"Queue": QUEUE, "Status": status, "Paused": "0", "InCall": "1" if status == "2" else "0"}
    return _event("QueueMemberStatus", at + timedelta(milliseconds=3), member | about)


def _event(name: str, at: datetime, about: Block) -> Block:
    instant = at.astimezone(UTC).timestamp()
    return {"Event": name, "Privilege": "agent,all", "Timestamp": f"{instant:.6f}"} | about
