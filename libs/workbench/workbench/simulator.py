"""Simulated days of a city's messages as values that follow from a seed: ordinary, a night of snow, five days of storm.

Volumes and shares are those of DESIGN.md section 8; shares of topics are routing's `baseline.csv`, each moved for each
region, since no city keeps to its averages. Several citizens report one fact, close together; facts lie at hot spots.
"""

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from common.calendar import TEHRAN

from workbench.city import PHONE_SHARE, load_messages
from workbench.simulated_map import Spots, nahiye_counts, populations, routing_rows

DAY = date(2026, 1, 20)  # a Tuesday
SNOW_BEGINS, SNOW_HOURS = timedelta(hours=17), 14
STORM_BEGINS, STORM_DAYS = timedelta(hours=16), 5
NORTH = (1, 2, 3, 4, 5)  # regions that it snows on
MAIN_SHARE = 0.82  # of an event's messages in one region
NAHIYE_SHARE = 0.25  # of a storm's in one nahiye
DUPLICATES = 0.12  # of ordinary messages
SNOW = {"US-SNOW": 0.42, "US-SALT": 0.31, "GS-TREE-FALL": 0.27}
STORM = {"US-FLOOD-STREET": 0.35, "US-FLOOD-BUILDING": 0.25, "GS-TREE-FALL": 0.2, "US-GUTTER": 0.15, "OR-HAZARD": 0.05}
_DAY_BEGINS = timedelta(hours=7)
_SNOW_RATES = (11, 12, 11, 10, 9, 8, 6.5, 5, 4, 3.5, 3.5, 4, 5.5, 7)  # by hour from the onset; by night people sleep
_RAMP = 10 / 60  # hours until an event has its first hour's rate
_UNEVEN = 6.0  # shape of the gamma by which a region's share of a topic is off: 41 % either way

Texts = Mapping[str, Sequence[str]]


class Sent(NamedTuple):
    """A message: when (UTC), what, where (WGS 84 degrees), by which channel, in which words."""

    at: datetime
    topic: str
    region: int
    nahiye: int
    lat: float
    lon: float
    channel: str
    urgent: bool
    text: str


@dataclass(frozen=True)
class _Facts:
    """How facts arise and are reported."""

    places: Sequence[tuple[str, int, int]]  # topic, region, nahiye
    weights: Sequence[float]
    hours: Sequence[float]  # weight of each hour from `start`
    start: datetime
    again: float  # chance that a fact, once reported, is reported once more
    delay: float  # mean hours until a citizen reports a fact
    ramp: float = 0.0


def normal_day(seed: int, contacts: int = 11_000, *, day: date = DAY, texts: Texts | None = None) -> list[Sent]:
    """The messages of an ordinary day, from 07:00 to 07:00; 46-71 % of the contacts leave one."""
    dice = random.Random(f"normal {seed}")
    count = round(contacts * dice.uniform(0.46, 0.71))
    return _written(_reports(_ordinary(_start(day, _DAY_BEGINS), 24, dice), count, dice), dice, texts)


def snow_night(seed: int, messages: int = 5_100, *, day: date = DAY, texts: Texts | None = None) -> list[Sent]:
    """14 hours from `snow_onset`: 91 % in three topics, 82 % of these in one region."""
    dice = random.Random(f"snow {seed}")
    event = _event(SNOW, snow_onset(day), rates=_SNOW_RATES, heart=(dice.choice(NORTH), None), dice=dice)
    count = round(0.91 * messages)
    ordinary = _ordinary(snow_onset(day), SNOW_HOURS, dice)
    reports = [*_reports(event, count, dice), *_reports(ordinary, messages - count, dice)]
    return _written(reports, dice, texts)


def storm(seed: int, calls: int = 53_000, *, day: date = DAY, texts: Texts | None = None) -> list[Sent]:
    """Five days from 07:00, the storm from `storm_onset`: 45 % of the messages, 82 % in a region, 25 % in a nahiye."""
    dice = random.Random(f"storm {seed}")
    count = round(calls * dice.uniform(0.46, 0.71))
    region = dice.choice([region for region, nahiye in nahiye_counts().items() if nahiye > 3])
    rates = [math.exp(-hour / 36) * (0.6 + 0.4 * math.cos(hour * math.pi / 12)) for hour in range(24 * STORM_DAYS - 9)]
    heart = region, dice.randint(1, nahiye_counts()[region])
    event = _event(STORM, storm_onset(day), rates=rates, heart=heart, dice=dice)
    ordinary = _ordinary(_start(day, _DAY_BEGINS), 24 * STORM_DAYS, dice)
    reports = [*_reports(event, round(0.45 * count), dice), *_reports(ordinary, round(0.55 * count), dice)]
    return _written(reports, dice, texts)


def snow_onset(day: date = DAY) -> datetime:
    """When it begins to snow, UTC."""
    return _start(day, SNOW_BEGINS)


def storm_onset(day: date = DAY) -> datetime:
    """When the storm begins, UTC."""
    return _start(day, STORM_BEGINS)


def _start(day: date, after: timedelta) -> datetime:
    return (datetime(day.year, day.month, day.day, tzinfo=TEHRAN) + after).astimezone(UTC)


def _ordinary(start: datetime, hours: int, dice: random.Random) -> _Facts:
    """Every topic in every region by its people, each share a little off."""
    places, weights = [], []
    for region, people in populations().items():
        for topic, share in topic_shares().items():
            each = people * share * dice.gammavariate(_UNEVEN, 1 / _UNEVEN) / nahiye_counts()[region]
            for nahiye in range(1, nahiye_counts()[region] + 1):
                places.append((topic, region, nahiye))
                weights.append(each)
    first = start.astimezone(TEHRAN).hour
    rates = [hour_shares()[(first + hour) % 24] for hour in range(hours)]
    return _Facts(places, weights, rates, start, again=DUPLICATES, delay=1.0)


def _event(
    topics: Mapping[str, float],
    start: datetime,
    *,
    rates: Sequence[float],
    heart: tuple[int, int | None],
    dice: random.Random,
) -> _Facts:
    """One event's topics, most of them in the region (and nahiye) at its heart."""
    others = {region: people for region, people in populations().items() if region != heart[0]}
    shares = {region: (1 - MAIN_SHARE) * people / sum(others.values()) for region, people in others.items()}
    places, weights = [], []
    for region, share in {**shares, heart[0]: MAIN_SHARE}.items():
        for nahiye, part in _nahiye_parts(region, heart).items():
            for topic, weight in topics.items():
                places.append((topic, region, nahiye))
                weights.append(share * part * weight)
    return _Facts(places, weights, rates, start, again=dice.uniform(0.3, 0.5), delay=0.2, ramp=_RAMP)


def _nahiye_parts(region: int, heart: tuple[int, int | None]) -> dict[int, float]:
    count = nahiye_counts()[region]
    if region != heart[0] or heart[1] is None:
        return dict.fromkeys(range(1, count + 1), 1 / count)
    most = NAHIYE_SHARE / MAIN_SHARE
    return {n: most if n == heart[1] else (1 - most) / (count - 1) for n in range(1, count + 1)}


_Report = tuple[datetime, tuple[str, int, int], tuple[float, float]]


def _reports(facts: _Facts, count: int, dice: random.Random) -> list[_Report]:
    """`count` reports: facts one by one, each by as many citizens as report it, within 30 m of each other."""
    spots = Spots(dice)
    reports: list[_Report] = []
    places = iter(dice.choices(facts.places, facts.weights, k=count))
    hours = iter(dice.choices(range(len(facts.hours)), facts.hours, k=count))
    while len(reports) < count:
        place, at = next(places), _within(next(hours), facts.ramp, dice)
        point = spots.fact(place[1], place[2])
        reports.append((facts.start + timedelta(hours=at), place, point))
        while dice.random() < facts.again and len(reports) < count:
            later = min(at + dice.expovariate(1 / facts.delay), len(facts.hours) - 1e-6)
            reports.append((facts.start + timedelta(hours=later), place, spots.near(point)))
    return reports


def _within(hour: int, ramp: float, dice: random.Random) -> float:
    """A moment of that hour; in the first one the rate rises until `ramp`."""
    moment = dice.random()
    while hour == 0 and ramp and moment < ramp and dice.random() > moment / ramp:
        moment = dice.random()
    return hour + moment


def _written(reports: list[_Report], dice: random.Random, texts: Texts | None) -> list[Sent]:
    """Ordered by time, each with its channel and words."""
    words = labelled_texts() if texts is None else texts
    channels = dice.choices(("phone", "social", "app"), (PHONE_SHARE, 0.25, 0.15), k=len(reports))
    return [
        Sent(at, *place, *point, channel, urgent_topics()[place[0]], _words(words, place[0], dice))
        for (at, place, point), channel in zip(sorted(reports), channels, strict=True)
    ]


def _words(texts: Texts, topic: str, dice: random.Random) -> str:
    known = texts.get(topic)
    return known[int(dice.random() * len(known))] if known else topic


@cache
def labelled_texts() -> Texts:
    """The labelled messages by topic."""
    texts: dict[str, list[str]] = defaultdict(list)
    for row in load_messages():
        texts[row["topic"]].append(row["text"])
    return dict(texts)


@cache
def topic_shares() -> Mapping[str, float]:
    """Percent of ordinary messages, by topic; routing's own table."""
    return {row["topic"]: float(row["percent"]) for row in routing_rows("baseline.csv")}


@cache
def hour_shares() -> Mapping[int, float]:
    """Percent of a day's messages, by hour of Tehran's clock; routing's own table."""
    return {int(row["key"]): float(row["value"]) for row in routing_rows("rhythm.csv") if row["part"] == "hour"}


@cache
def urgent_topics() -> Mapping[str, bool]:
    """Whether a topic is urgent by default."""
    return {row["code"]: row["urgent"] == "yes" for row in routing_rows("topics.csv")}
