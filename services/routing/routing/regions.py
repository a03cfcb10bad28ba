"""The regions as circles, and the municipalities around the city: what is known of the map without boundaries."""

import csv
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

_KM_PER_DEGREE = 111.2
_EAST_SHRINKS = math.cos(math.radians(35.7))  # a degree of longitude in Tehran
_REACH = 2.0  # radii of a region's circle beyond which a point is nobody's: 0.2 % of the city's own points


@dataclass(frozen=True, slots=True)
class Region:
    """A region's centre in degrees, its area, and how many nahiye it has."""

    number: int
    lat: float
    lon: float
    area_km2: float
    nahiye: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A municipality outside the city: its rough centre in degrees, how far it reaches, and if else is called so."""

    name: str
    lat: float
    lon: float
    radius_km: float
    namesakes: bool = False


@dataclass(frozen=True, slots=True)
class Centre:
    """A nahiye's centre in degrees."""

    nahiye: int
    lat: float
    lon: float


def read_regions() -> Mapping[int, Region]:
    """The regions by number, from `data/regions.csv` and `data/nahiye.csv`."""
    nahiye = {row["region"]: int(row["count"]) for row in data_rows("nahiye.csv")}
    return {int(row["region"]): _region(row, nahiye[row["region"]]) for row in data_rows("regions.csv")}


def read_neighbours() -> Sequence[Neighbour]:
    """The municipalities around, from `data/neighbours.csv`."""
    return [
        Neighbour(row["name"], float(row["lat"]), float(row["lon"]), float(row["radius_km"]), row["namesakes"] == "yes")
        for row in data_rows("neighbours.csv")
    ]


def read_centres(path: Path, expected: Collection[tuple[int, int]]) -> Mapping[int, Sequence[Centre]]:
    """A city's own table of nahiye centres, by region; ValueError when it is not whole, or not of numbers."""
    centres: dict[tuple[int, int], Centre] = {}
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        try:
            key = int(row["region"]), int(row["nahiye"])
            centres[key] = Centre(key[1], float(row["lat"]), float(row["lon"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path.name}: {row} is not region, nahiye, lat, lon: {error!r}") from error
    for region, nahiye in sorted(set(expected) ^ set(centres)):
        raise ValueError(f"{path.name}: nahiye {nahiye} of region {region} is missing, or not one of the city's")
    return {region: [c for key, c in sorted(centres.items()) if key[0] == region] for region, _ in centres}


def data_rows(name: str) -> list[dict[str, str]]:
    """The rows of a data file of routing."""
    text = (files("routing") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def nearest_region(regions: Iterable[Region], lat: float, lon: float) -> Region | None:
    """By the nearest centre, less the region's own radius squared: right for 81 % of points; None far from all."""
    region = min(regions, key=lambda r: squared_km(r.lat, r.lon, lat, lon) - r.area_km2 / math.pi)
    far = squared_km(region.lat, region.lon, lat, lon) > _REACH**2 * region.area_km2 / math.pi
    return None if far else region


def neighbour_at(neighbours: Iterable[Neighbour], lat: float, lon: float) -> str | None:
    """The municipality whose circle the point lies deepest in, or None where none is known."""
    depths = ((squared_km(n.lat, n.lon, lat, lon) / n.radius_km**2, n.name) for n in neighbours)
    depth, name = min(depths, default=(math.inf, ""))
    return name if depth <= 1 else None


def sector(region: Region, lat: float, lon: float) -> int:
    """Sample nahiye: equal sectors around the centre, the first to the north; a city's own data replaces it."""
    bearing = math.atan2((lon - region.lon) * _EAST_SHRINKS, lat - region.lat) % (2 * math.pi)
    return min(int(bearing / (2 * math.pi) * region.nahiye), region.nahiye - 1) + 1


def squared_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """The square of the distance between two points near the city, in km²; flat, 0.1 % off over 30 km."""
    north = (lat - other_lat) * _KM_PER_DEGREE
    east = (lon - other_lon) * _KM_PER_DEGREE * _EAST_SHRINKS
    return north * north + east * east


def _region(row: Mapping[str, str], nahiye: int) -> Region:
    return Region(int(row["region"]), float(row["lat"]), float(row["lon"]), float(row["area_km2"]), nahiye)
