"""Squares of the map: where an open case is filed, and in which squares those within a radius of a point are.

A square's side is a power of two of metres, the least that is not below the radius, so that three squares a side cover
the circle. Its size is part of its number: squares of two sizes are never mistaken for each other.
"""

import math
from dataclasses import dataclass

M_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km
EAST = math.cos(math.radians(35.7))  # a degree of longitude in Tehran, in degrees of latitude
NEXT_ROW = 1 << 24
_SIZE = 1 << 48
_LEAST = 4  # 16 m; smaller squares would need more than 24 bits a side
_NARROWEST = 0.3  # nobody files cases beyond 72° north


@dataclass(frozen=True, slots=True)
class Squares:
    """A block of squares: number of the south-west one, and how many rows and columns there are besides it."""

    first: int
    rows: int
    columns: int

    def numbers(self) -> list[int]:
        """Every square of the block."""
        return [self.first + row * NEXT_ROW + c for row in range(self.rows + 1) for c in range(self.columns + 1)]


def size_for(radius_m: float) -> int:
    """The size of squares for a radius in metres: the power of two."""
    return max(_LEAST, math.ceil(math.log2(radius_m)))


def square_of(lat: float, lon: float, size: int) -> int:
    """Number of the square that holds a point in degrees; it fits a bigint."""
    side = float(1 << size)
    row = int((lat + 90.0) * M_PER_DEGREE / side)
    return size * _SIZE + row * NEXT_ROW + int((lon + 180.0) * M_PER_DEGREE * EAST / side)


def squares_around(lat: float, lon: float, radius_m: float) -> Squares:
    """The squares that a circle may touch: at most nine in Tehran."""
    size = size_for(radius_m)
    north = radius_m / M_PER_DEGREE
    east = north / max(math.cos(math.radians(lat)), _NARROWEST)
    first = square_of(max(lat - north, -90.0), max(lon - east, -180.0), size)
    rows, columns = divmod(square_of(min(lat + north, 90.0), min(lon + east, 180.0), size) - first, NEXT_ROW)
    return Squares(first, rows, columns)


def metres(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Distance of two points in degrees; right to 0.1 % within a city."""
    north = to_lat - lat
    east = (to_lon - lon) * math.cos(math.radians((lat + to_lat) / 2))
    return math.hypot(north, east) * M_PER_DEGREE
