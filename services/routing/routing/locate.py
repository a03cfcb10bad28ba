"""Where a message is: its point, the region that was named, or what its text says; and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from common.events import Place
from common.folding import fold

from routing.boundaries import Boundaries
from routing.outskirts import Outskirts
from routing.place_words import PlaceReader, Reading
from routing.regions import (
    Centre,
    Neighbour,
    Region,
    nearest_region,
    neighbour_at,
    read_centres,
    read_neighbours,
    read_regions,
    sector,
    squared_km,
)

_NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message is: region and nahiye as far as they are known, and why."""

    region: int | None
    nahiye: int | None
    because: str
    approximate: bool = False
    outside: str | None = None  # the neighbouring municipality; None inside the city or where none is known
    doubt: str | None = None  # what speaks against it, for a person to read
    beyond: bool = False  # the point, or the place that the text names, is outside the city
    sampled: bool = False  # the nahiye is of the sample sectors, not of the city's data


@dataclass(frozen=True)
class Map:
    """The city's map; a pure value, read once."""

    regions: Mapping[int, Region]
    neighbours: Sequence[Neighbour]
    reader: PlaceReader
    outskirts: Outskirts
    region_shapes: Boundaries | None = None
    nahiye_shapes: Boundaries | None = None
    nahiye_centres: Mapping[int, Sequence[Centre]] = field(default_factory=dict)  # by region

    @classmethod
    def load(
        cls,
        regions_geojson: Path | None = None,
        nahiye_geojson: Path | None = None,
        *,
        nahiye_table: Path | None = None,
    ) -> Self:
        """The map of `data/`, with the boundaries of a city that has them, or the centres of its nahiye.

        A feature's property `area` is the region's number; of a nahiye's, `region` is that and `nahiye` its own. The
        table has the columns region, nahiye, lat, lon. ValueError (BoundaryError for boundaries) with the reason when
        a file is wrong or not whole; OSError when it is not there.
        """
        regions = read_regions()
        neighbours = read_neighbours()
        nahiye = {(r.number, n) for r in regions.values() for n in range(1, r.nahiye + 1)}
        return cls(
            regions,
            neighbours,
            PlaceReader.load(),
            Outskirts.of(neighbours),
            Boundaries.read(regions_geojson, ["area"], {(n,) for n in regions}) if regions_geojson else None,
            Boundaries.read(nahiye_geojson, ["region", "nahiye"], nahiye) if nahiye_geojson else None,
            read_centres(nahiye_table, nahiye) if nahiye_table else {},
        )

    def locate(self, place: Place | None, text: str | None = None) -> Spot:
        """Region and nahiye of a message: the point wins over the region that was named, and that over the words."""
        return self.settle(place, self.read(text or ""))

    def read(self, text: str) -> Reading:
        """What a text says of its place; `rest` is the text without the places."""
        return self.reader.read(fold(text))

    def place_words(self, text: str) -> set[str]:
        """The folded words of a text that belong to the name of a place."""
        return self.read(text).place_words

    def settle(self, place: Place | None, said: Reading) -> Spot:
        """As `locate`, for a text that was read before."""
        place = place or _NOWHERE
        if place.address and (addressed := self.read(place.address)).region is not None:
            said = addressed
        if place.lat is not None and place.lon is not None:
            return self._against(self._at(place.lat, place.lon), place.region, said)
        if place.region is not None:
            given = Spot(place.region, None, f"region {place.region} was given")
            return self._against(given, None, said)
        return self._said(said, place.address)

    def _at(self, lat: float, lon: float) -> Spot:
        """By boundaries where there are any, else by the nearest centre."""
        key = self.nahiye_shapes.at(lat, lon) if self.nahiye_shapes else None
        if self.region_shapes and (found := self.region_shapes.at(lat, lon)):
            return self._inside(self.regions[found[0]], key, lat, lon)
        if self.region_shapes is None and key:
            return self._inside(self.regions[key[0]], key, lat, lon)
        by_centre = self.region_shapes is None and self.nahiye_shapes is None
        if by_centre and (region := nearest_region(self.regions.values(), lat, lon)):
            near = f"nearest centre: region {region.number}"
            return replace(self._inside(region, None, lat, lon), because=near, approximate=True)
        name = neighbour_at(self.neighbours, lat, lon)
        because = "the point is outside the city" + (f", near {name}" if name else "")
        return Spot(None, None, because, approximate=by_centre, outside=name, beyond=True)

    def _inside(self, region: Region, key: tuple[int, ...] | None, lat: float, lon: float) -> Spot:
        known = key[1] if key and key[0] == region.number else self._by_table(region, lat, lon)
        nahiye = known if known is not None else sector(region, lat, lon)
        because = f"the point lies in region {region.number}"
        return Spot(region.number, nahiye, because, sampled=known is None)

    def _by_table(self, region: Region, lat: float, lon: float) -> int | None:
        centres = self.nahiye_centres.get(region.number, ())
        return min(centres, key=lambda c: squared_km(c.lat, c.lon, lat, lon)).nahiye if centres else None

    def _against(self, spot: Spot, named: int | None, said: Reading) -> Spot:
        """The spot, with the doubt that the named region or the text casts on it, and the text's nahiye."""
        doubts = [f"region {named} was given"] if named not in (None, spot.region) else []
        elsewhere = bool(said.possible) and spot.region not in said.possible
        if elsewhere:
            doubts.append(said.because)
        agrees = not elsewhere and (spot.nahiye is None or spot.sampled)
        nahiye = self._nahiye(spot.region, said.nahiye) if agrees else None
        if nahiye is not None:
            spot = replace(spot, nahiye=nahiye, sampled=False)
        return replace(spot, doubt=f"{spot.because}, yet {'; '.join(doubts)}") if doubts else spot

    def _said(self, said: Reading, address: str | None) -> Spot:
        """By the words alone; a neighbour they name is the place, unless they number a region of the city. An address
        that says no region may be one of the city's all the same."""
        if not said.exact and (name := self.outskirts.named(said.words)):
            because = f"the text names {name}, outside the city"
            against = said.because if said.possible else "an address was given" if address else None
            doubt = f"{because}, yet {against}" if against else None
            return Spot(None, None, because, approximate=True, outside=name, doubt=doubt, beyond=True)
        nahiye = self._nahiye(said.region, said.nahiye)
        return Spot(said.region, nahiye, said.because, approximate=not said.exact, doubt=said.doubt)

    def _nahiye(self, region: int | None, nahiye: int | None) -> int | None:
        """The nahiye a text says, if its region has one of that number."""
        return nahiye if region and nahiye and nahiye <= self.regions[region].nahiye else None
