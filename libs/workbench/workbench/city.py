"""A simulated day: 600 labelled messages over three channels, their calls, and what staff and citizens then do.

Shares are those of DESIGN.md section 8. Everything is a value that follows from the seed.
"""

import csv
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from common.calendar import TEHRAN

# Share of a day's contacts by hour of Tehran's clock, from 07:00: 60 % morning, 30 % noon, 10 % night.
_HOURS = (
    6.0,
    7.5,
    8.5,
    10.5,
    10.5,
    8.0,
    5.0,
    4.0,
    5.5,
    5.0,
    4.5,
    4.0,
    3.5,
    3.0,
    2.5,
    2.0,
    2.5,
    1.5,
    1.0,
    0.8,
    0.7,
    0.8,
    1.0,
    1.7,
)
_FINDINGS = ("actionable", "no_action", "duplicate_open", "duplicate_done", "wrong_unit", "deferred")
_WEIGHTS = (70, 12, 9, 3, 4, 2)
PLATFORMS = {"telegram": "telegram", "bale": "bale", "rubika": "rubika", "sms": "sms", "whatsapp": "whatsapp"}
PHONE_SHARE = 0.6
ABANDONED = 40  # calls that give up
FOLLOW_UPS = 150  # calls that ask after a code and leave no message


@dataclass(frozen=True, slots=True)
class Planned:
    """One message of the day, and what will become of it."""

    channel: str
    body: dict[str, Any]
    finding: str
    reply: str | None  # 31, 33 or none
    topic: str  # as it is labelled


def load_messages() -> list[dict[str, Any]]:
    """The labelled messages."""
    text = (files("workbench") / "data" / "messages.fa.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def plan_day(day: date, seed: int) -> list[Planned]:
    """The messages of a day, in the order of their time."""
    dice = random.Random(seed)
    planned = [_planned(row, day, seed, dice) for row in load_messages()]
    return sorted(planned, key=lambda one: str(one.body["occurred_at"]))


def _planned(row: dict[str, Any], day: date, seed: int, dice: random.Random) -> Planned:
    body: dict[str, Any] = {"text": row["text"], "occurred_at": _moment(day, dice).isoformat()}
    body["phone"] = f"09{dice.choice((12, 19, 35, 36, 90))}{dice.randrange(10_000_000):07d}"
    if row["region"] is not None:
        body["place"] = _place(row["region"], dice)
    channel = _channel(row["channel"], dice)
    if channel == "social":
        user = f"u{dice.randrange(10**9)}"
        body |= {
            "platform": PLATFORMS.get(row["channel"], "bale"),
            "user_id": user,
            "message_id": f"{row['id']}-{seed}",
        }
    if channel == "phone":
        body |= {"call_id": f"call-{row['id']}-{seed}", "topic": row["topic"], "kind": row["kind"]}
    reply = dice.choices(("31", "33", None), (0.25 * 0.85, 0.25 * 0.15, 0.75))[0]
    return Planned(channel, body, dice.choices(_FINDINGS, _WEIGHTS)[0], reply, row["topic"])


def _place(region: int, dice: random.Random) -> dict[str, Any]:
    """Three in four give a point, within a kilometre of the region's centre; the others the region alone."""
    if dice.random() < 0.25:
        return {"region": region}
    lat, lon = region_centres()[region]
    return {"lat": round(lat + dice.uniform(-0.008, 0.008), 5), "lon": round(lon + dice.uniform(-0.008, 0.008), 5)}


@cache
def region_centres() -> dict[int, tuple[float, float]]:
    """Degrees, by region; routing's own table."""
    text = (files("routing") / "data" / "regions.csv").read_text()
    return {int(r["region"]): (float(r["lat"]), float(r["lon"])) for r in csv.DictReader(text.splitlines())}


def _channel(labelled: str, dice: random.Random) -> str:
    """Most of a 137's messages come by phone; the rest as they are labelled."""
    if labelled in ("phone", "app"):
        return labelled
    return "phone" if dice.random() < PHONE_SHARE else dice.choice(("social", "social", "app"))


def _moment(day: date, dice: random.Random) -> datetime:
    hour = dice.choices(range(24), _HOURS)[0]
    start = datetime(day.year, day.month, day.day, 7, tzinfo=TEHRAN)
    return (start + timedelta(hours=hour, seconds=dice.randrange(3600))).astimezone(UTC)


def plan_calls(planned: list[Planned], day: date, seed: int) -> Iterator[dict[str, Any]]:
    """Events of the calls behind phone messages, of those that gave up, and of those that only asked."""
    dice = random.Random(seed + 1)
    for one in planned:
        if one.channel == "phone":
            at = datetime.fromisoformat(one.body["occurred_at"])
            yield from _call(one.body["call_id"], at - timedelta(seconds=150), dice, answered=True)
    for n in range(ABANDONED + FOLLOW_UPS):
        yield from _call(f"other-{n}-{seed}", _moment(day, dice), dice, answered=n >= ABANDONED)


def _call(call_id: str, joined: datetime, dice: random.Random, *, answered: bool) -> Iterator[dict[str, Any]]:
    wait = timedelta(seconds=min(240.0, dice.expovariate(1 / 35)))
    about = {"call_id": call_id, "queue": "137", "caller": f"0912{dice.randrange(10_000_000):07d}"}
    yield about | {"event": "joined", "at": joined.isoformat()}
    if not answered:
        yield about | {"event": "abandoned", "at": (joined + wait).isoformat()}
        return
    agent = f"agent-{dice.randint(1, 70)}"
    yield about | {"event": "offered", "at": (joined + wait * 0.9).isoformat(), "agent": agent}
    yield about | {"event": "answered", "at": (joined + wait).isoformat(), "agent": agent}
    ended = joined + wait + timedelta(seconds=dice.randint(40, 140))
    yield about | {"event": "ended", "at": ended.isoformat(), "agent": agent}
