"""What routing knows of the city: topics, units, regions. Read once from `data/`, then values."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Self

from common.events import Place

TRIAGE = "hq-triage"
_KM_PER_DEGREE = 111.2
_EAST_SHRINKS = math.cos(math.radians(35.7))  # a degree of longitude in Tehran
_REACH = 1.6  # radii of a region's circle beyond which a point is nobody's


@dataclass(frozen=True, slots=True)
class Topic:
    """An entry of the topic catalogue."""

    code: str
    title_fa: str
    title_en: str
    deputy: str
    unit: str
    level: str
    urgent: bool
    sla_hours: int


@dataclass(frozen=True, slots=True)
class Unit:
    """Who acts: an HQ desk, a region, a nahiye, or another body."""

    code: str
    title_fa: str
    level: str  # hq, region, nahiye or organisation
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A region's centre in degrees, and its area."""

    number: int
    lat: float
    lon: float
    area_km2: float
    nahiye: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message is: region and nahiye as far as they are known, and why."""

    region: int | None
    nahiye: int | None
    because: str
    approximate: bool = False


@dataclass(frozen=True)
class City:
    """The catalogue and the map."""

    topics: Mapping[str, Topic]
    regions: Mapping[int, Region]
    units: Mapping[str, Unit] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Self:
        """Read the data files."""
        topics = {topic.code: topic for topic in map(_topic, _rows("topics.csv"))}
        counts = {int(row["region"]): int(row["count"]) for row in _rows("nahiye.csv")}
        regions = {region.number: region for row in _rows("regions.csv") for region in [_region(row, counts)]}
        return cls(topics, regions, _units(topics, regions))

    @cached_property
    def below(self) -> Mapping[str, frozenset[str]]:
        """Of each unit, itself and the units under it."""
        return {
            code: frozenset({code} | {unit.code for unit in self.units.values() if unit.parent == code})
            for code in self.units
        }

    def locate(self, place: Place | None) -> Spot:
        """Region and nahiye of a place; the point wins over the region that was named."""
        if place is None:
            return Spot(None, None, "no place was given")
        if place.lat is not None and place.lon is not None:
            return self._nearest(place.lat, place.lon)
        if place.region is not None:
            return Spot(place.region, None, f"region {place.region} was given")
        return Spot(None, None, "an address in words only")

    def _nearest(self, lat: float, lon: float) -> Spot:
        """By the nearest centre, less the region's own radius squared: right for 81 % of points (data/README.md)."""
        region = min(self.regions.values(), key=lambda r: _square(r, lat, lon) - r.area_km2 / math.pi)
        if _square(region, lat, lon) > _REACH**2 * region.area_km2 / math.pi:
            return Spot(None, None, "the point is outside the city", approximate=True)
        return Spot(region.number, _sector(region, lat, lon), f"nearest centre: region {region.number}", True)


def _square(region: Region, lat: float, lon: float) -> float:
    north = (lat - region.lat) * _KM_PER_DEGREE
    east = (lon - region.lon) * _KM_PER_DEGREE * _EAST_SHRINKS
    return north * north + east * east


def _sector(region: Region, lat: float, lon: float) -> int:
    """Sample nahiye: equal sectors around the centre, the first to the north; a city's own table replaces it."""
    bearing = math.atan2((lon - region.lon) * _EAST_SHRINKS, lat - region.lat) % (2 * math.pi)
    return min(int(bearing / (2 * math.pi) * region.nahiye), region.nahiye - 1) + 1


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("routing") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _topic(row: Mapping[str, str]) -> Topic:
    return Topic(
        row["code"],
        row["title_fa"],
        row["title_en"],
        row["deputy"],
        row["unit"],
        row["handled_by"],
        row["urgent"] == "yes",
        int(row["sla_hours"] or 24),
    )


def _region(row: Mapping[str, str], counts: Mapping[int, int]) -> Region:
    number = int(row["region"])
    return Region(number, float(row["lat"]), float(row["lon"]), float(row["area_km2"]), counts[number])


def _units(topics: Mapping[str, Topic], regions: Mapping[int, Region]) -> dict[str, Unit]:
    units = [Unit(TRIAGE, "میز بررسی ستاد", "hq")]
    for topic in topics.values():
        if topic.level == "hq" and topic.unit != "none":
            other = topic.unit.startswith("refer-")
            title = f"سازمان مسئول ({topic.unit.removeprefix('refer-')})" if other else f"ستاد، {topic.title_fa}"
            units.append(Unit(f"hq-{topic.unit}", title, "organisation" if other else "hq"))
    for region in regions.values():
        own = f"region-{region.number}"
        units.append(Unit(own, f"شهرداری منطقه {region.number}", "region"))
        units += [
            Unit(f"nahiye-{region.number}-{n}", f"ناحیه {n} منطقه {region.number}", "nahiye", own)
            for n in range(1, region.nahiye + 1)
        ]
    return {unit.code: unit for unit in reversed(units)}
