"""Boundaries from a GeoJSON file, and which of them a point lies in."""

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, shape

Key = tuple[int, ...]
Shape = Polygon | MultiPolygon

_STEP = 0.002  # degrees a cell, some 200 m: 34,000 cells for Tehran, 1 in 12 on a border
_AROUND = (34.5, 50.0, 37.0, 53.5)  # south, west, north, east: what may be a boundary in or near Tehran
_HAIR = 1e-9  # degrees, 0.1 mm: cells overlap by it, so that rounding never puts a point into the wrong one
_NOBODYS = -1


class BoundaryError(ValueError):
    """A boundary file that cannot be used, with the reason."""


@dataclass(frozen=True)
class Boundaries:
    """Areas by key, with a grid that knows the area of most points and the candidates of the rest."""

    keys: Sequence[Key]
    shapes: Sequence[Shape]
    south: float
    west: float
    rows: int
    columns: int
    cells: Sequence[int]  # of each cell: an area's index, -1 for none, or len(keys) + an index into `border`
    border: Sequence[Sequence[int]]

    @classmethod
    def read(cls, path: Path, properties: Sequence[str], expected: Collection[Key]) -> Self:
        """The areas of a GeoJSON file, each known by the numbers in its `properties`.

        BoundaryError when the file is not GeoJSON of valid polygons around Tehran, or its keys are not as expected.
        """
        found: dict[Key, Shape] = {}
        for feature in _features(path):
            key = _key(feature, properties)
            if key in found:
                raise BoundaryError(f"{path.name}: {_named(properties, key)} is there twice")
            found[key] = _shape(feature, _named(properties, key))
        _compare(found, expected, lambda key: f"{path.name}: {_named(properties, key)}")
        return cls.of(found)

    @classmethod
    def of(cls, shapes: Mapping[Key, Shape]) -> Self:
        """The areas with their grid; where areas overlap or touch, the lowest key has the point."""
        keys = sorted(shapes)
        ordered = [shapes[key] for key in keys]
        shapely.prepare(ordered)
        west, south, east, north = shapely.total_bounds(ordered)
        rows, columns = (math.floor(size / _STEP) + 1 for size in (north - south, east - west))
        cells, border = _grid(ordered, _boxes(south, west, rows, columns))
        return cls(keys, ordered, float(south), float(west), rows, columns, cells, border)

    def at(self, lat: float, lon: float) -> Key | None:
        """The key of the area that has the point (degrees), its border included; None outside all."""
        if lat < self.south or lon < self.west:
            return None
        row, column = int((lat - self.south) / _STEP), int((lon - self.west) / _STEP)
        if row >= self.rows or column >= self.columns:
            return None
        code = self.cells[row * self.columns + column]
        if code < len(self.keys):
            return None if code == _NOBODYS else self.keys[code]
        return self._exactly(self.border[code - len(self.keys)], lat, lon)

    def _exactly(self, candidates: Sequence[int], lat: float, lon: float) -> Key | None:
        for index in candidates:
            if shapely.intersects_xy(self.shapes[index], lon, lat):
                return self.keys[index]
        return None


def _boxes(south: float, west: float, rows: int, columns: int) -> Any:  # an array of polygons, row by row
    row, column = np.divmod(np.arange(rows * columns), columns)
    low, left = south + row * _STEP, west + column * _STEP
    return shapely.box(left - _HAIR, low - _HAIR, left + _STEP + _HAIR, low + _STEP + _HAIR)


def _grid(shapes: Sequence[Shape], boxes: Any) -> tuple[list[int], list[tuple[int, ...]]]:
    tree = shapely.STRtree(boxes)
    touched: list[list[int]] = [[] for _ in boxes]
    for index, cell in sorted(tree.query(shapes, predicate="intersects").T.tolist()):
        touched[cell].append(index)
    whole = {cell: index for index, cell in tree.query(shapes, predicate="covers").T.tolist()}
    border = sorted({tuple(indexes) for cell, indexes in enumerate(touched) if not _settled(indexes, whole.get(cell))})
    place = {indexes: len(shapes) + at for at, indexes in enumerate(border)}
    return [
        place.get(tuple(i), i[0]) if not _settled(i, whole.get(c)) else _first(i) for c, i in enumerate(touched)
    ], border


def _settled(indexes: Sequence[int], whole: int | None) -> bool:
    """A cell that no area touches, or that one area alone covers."""
    return not indexes or (len(indexes) == 1 and indexes[0] == whole)


def _first(indexes: Sequence[int]) -> int:
    return indexes[0] if indexes else _NOBODYS


def _features(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        document = json.loads(path.read_bytes())
        features = document["features"]
    except (ValueError, KeyError, TypeError) as error:
        raise BoundaryError(f"{path.name} is no GeoJSON FeatureCollection: {error!r}") from error
    if not isinstance(features, list) or not features:
        raise BoundaryError(f"{path.name} has no features")
    return features


def _key(feature: Mapping[str, Any], properties: Sequence[str]) -> Key:
    values = [(feature.get("properties") or {}).get(name) for name in properties]
    for name, value in zip(properties, values, strict=True):
        if not isinstance(value, int) or isinstance(value, bool):
            raise BoundaryError(f"a feature's property `{name}` is {value!r}, not a number")
    return tuple(value for value in values if isinstance(value, int))


def _shape(feature: Mapping[str, Any], named: str) -> Shape:
    try:
        found = shape(feature["geometry"])
    except (KeyError, TypeError, ValueError, AttributeError, ShapelyError) as error:
        raise BoundaryError(f"{named} has no readable geometry: {error!r}") from error
    if not isinstance(found, Polygon | MultiPolygon) or found.is_empty:
        raise BoundaryError(f"{named} is a {found.geom_type}, not a polygon")
    if not found.is_valid:
        raise BoundaryError(f"{named} is not a valid polygon: {shapely.is_valid_reason(found)}")
    west, south, east, north = found.bounds
    if south < _AROUND[0] or west < _AROUND[1] or north > _AROUND[2] or east > _AROUND[3]:
        raise BoundaryError(f"{named} lies outside {_AROUND}: coordinates are longitude, latitude in degrees")
    return found


def _compare(found: Collection[Key], expected: Collection[Key], named: Callable[[Key], str]) -> None:
    for key in sorted(set(expected) - set(found)):
        raise BoundaryError(f"{named(key)} is missing")
    for key in sorted(set(found) - set(expected)):
        raise BoundaryError(f"{named(key)} is not one of the city's")


def _named(properties: Sequence[str], key: Key) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(properties, key, strict=True))
