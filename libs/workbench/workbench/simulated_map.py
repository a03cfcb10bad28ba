"""Where simulated messages lie: hot spots in each nahiye, facts near them, reports near a fact."""

import csv
import math
import random
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

SPOTS = 40  # a nahiye: its squares, bazaars and crossings
NEAR_SPOT, NEAR_FACT = 60.0, 8.0  # metres, standard deviations
FARTHEST = 14.0  # metres from the fact, so that two reports are never 30 m apart
_METRES = 111_200.0  # a degree of latitude
_EAST = _METRES * math.cos(math.radians(35.7))

Point = tuple[float, float]


class Spots:
    """Hot spots that follow from the dice; the first of a nahiye draw the most."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._spots: dict[tuple[int, int], list[Point]] = {}

    def fact(self, region: int, nahiye: int) -> Point:
        """Where something is wrong: around a hot spot of the nahiye."""
        key = (region, nahiye)
        if key not in self._spots:
            self._spots[key] = [self._spot(region, nahiye) for _ in range(SPOTS)]
        chosen = self._spots[key][int(SPOTS * self._dice.random() ** 2)]
        return self._moved(chosen, self._dice.gauss(0, NEAR_SPOT), self._dice.gauss(0, NEAR_SPOT))

    def near(self, fact: Point) -> Point:
        """Where a citizen says that a fact is."""
        north, east = self._dice.gauss(0, NEAR_FACT), self._dice.gauss(0, NEAR_FACT)
        farther = max(1.0, math.hypot(north, east) / FARTHEST)
        return self._moved(fact, north / farther, east / farther)

    def _spot(self, region: int, nahiye: int) -> Point:
        """In the nahiye's sector of routing's sample table, well inside the region's circle."""
        lat, lon, area = regions()[region]
        bearing = 2 * math.pi * (nahiye - 1 + self._dice.uniform(0.15, 0.85)) / nahiye_counts()[region]
        metres = 1000 * math.sqrt(area / math.pi) * math.sqrt(self._dice.uniform(0.08, 0.5))
        return self._moved((lat, lon), metres * math.cos(bearing), metres * math.sin(bearing))

    def _moved(self, point: Point, north: float, east: float) -> Point:
        return round(point[0] + north / _METRES, 6), round(point[1] + east / _EAST, 6)


@cache
def regions() -> Mapping[int, tuple[float, float, float]]:
    """Latitude, longitude and km² by region; routing's own table."""
    return {
        int(r["region"]): (float(r["lat"]), float(r["lon"]), float(r["area_km2"])) for r in routing_rows("regions.csv")
    }


@cache
def populations() -> Mapping[int, int]:
    """People by region; routing's own table."""
    return {int(row["region"]): int(row["population"]) for row in routing_rows("regions.csv")}


@cache
def nahiye_counts() -> Mapping[int, int]:
    """How many nahiye a region has; routing's own table."""
    return {int(row["region"]): int(row["count"]) for row in routing_rows("nahiye.csv")}


def routing_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one of routing's data files."""
    yield from csv.DictReader((files("routing") / "data" / name).read_text(encoding="utf-8").splitlines())
