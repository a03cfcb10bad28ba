"""What an ordinary hour brings: the shares of topics, regions and hours, read from `data/`, to be edited by a city."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple, Self

TOLERANCE = 2.0  # times the expected rate that are still ordinary: a region's own share of a topic is never exact
FLOOR = 0.2  # messages an hour that are ordinary anywhere: snow is expected never, and comes
_WEEK = 168  # hours
_WEEKDAYS = (
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
)  # 1 January 1970 was the first


class Area(NamedTuple):
    """A region, or one nahiye of it."""

    region: int
    nahiye: int | None = None

    def __str__(self) -> str:
        return str(self.region) if self.nahiye is None else f"{self.region}-{self.nahiye}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `5` or `5-2`; ValueError for anything else."""
        region, _, nahiye = text.partition("-")
        return cls(int(region), int(nahiye) if nahiye else None)


class Flow(NamedTuple):
    """The messages of one topic family in one area."""

    family: str
    area: Area


@dataclass(frozen=True, slots=True)
class Expected:
    """The most that is ordinary for one flow."""

    per_day: float  # messages on a day of weight one, tolerance included
    week: tuple[float, ...]  # what each hour of the week takes of a day of weight one
    flat: bool  # no hour exceeds the floor

    def rate(self, hour: int) -> float:
        """Messages an hour in that hour since 1970 of Tehran's clock; never under the floor."""
        return FLOOR if self.flat else max(FLOOR, self.per_day * self.week[hour % _WEEK])


@dataclass(frozen=True)
class Baseline:
    """Shares as fractions of one, and the messages of a day of weight one in the whole city."""

    messages: float
    families: Mapping[str, str]  # of each topic that is watched
    shares: Mapping[str, float]  # of each family
    regions: Mapping[int, float]
    nahiye: Mapping[int, int]  # how many a region has; each takes an equal part of it
    week: tuple[float, ...]

    @classmethod
    def load(cls) -> Self:
        """Read the data files."""
        topics = [row for row in _rows("baseline.csv") if row["family"]]
        people = {int(row["region"]): float(row["population"]) for row in _rows("regions.csv")}
        parts = {(row["part"], row["key"]): float(row["value"]) for row in _rows("rhythm.csv")}
        return cls(
            messages=parts["messages", "day"],
            families={row["topic"]: row["family"] for row in topics},
            shares=_added((row["family"], float(row["percent"]) / 100) for row in topics),
            regions={region: count / sum(people.values()) for region, count in people.items()},
            nahiye={int(row["region"]): int(row["count"]) for row in _rows("nahiye.csv")},
            week=_week(parts),
        )

    @cached_property
    def topics(self) -> Mapping[str, tuple[str, ...]]:
        """The topics of each family."""
        return {family: tuple(t for t, f in self.families.items() if f == family) for family in self.shares}

    @cached_property
    def peak(self) -> float:
        """What the busiest hour of the week takes of a day of weight one."""
        return max(self.week)

    def expected(self, flow: Flow, scale: float = 1.0) -> Expected:
        """The most that is ordinary in a flow; `scale` is what the last weeks had against these files."""
        region, nahiye = flow.area
        part = self.regions.get(region, 0.0) / (1 if nahiye is None else self.nahiye.get(region, 1))
        per_day = TOLERANCE * scale * self.messages * self.shares.get(flow.family, 0.0) * part
        return Expected(per_day, self.week, flat=per_day * self.peak <= FLOOR)

    def flows(self, *, nahiye: bool) -> int:
        """How many flows are watched on one level."""
        return len(self.shares) * (sum(self.nahiye.values()) if nahiye else len(self.regions))


def _week(parts: Mapping[tuple[str, str], float]) -> tuple[float, ...]:
    hours = [parts["hour", str(hour)] / 100 for hour in range(24)]
    return tuple(parts["weekday", day] * hour for day in _WEEKDAYS for hour in hours)


def _added(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, share in pairs:
        sums[name] = sums.get(name, 0.0) + share
    return sums


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("routing") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
