"""What routing knows of the city: topics, units and their hours, the map, its terms. Read once, then values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from common.events import Place

from routing.calendars import load_calendars, load_hours_file, load_policy
from routing.duplicates import Reaches, load_reaches
from routing.locate import Map, Spot
from routing.oncall import Roster
from routing.regions import Region, data_rows
from routing.sla import Policy
from routing.units import TRIAGE as TRIAGE
from routing.units import Unit, city_units


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
    deputy_fa: str = ""
    wants_place: bool = True
    wants_photo: bool = False  # asked for, never needed
    shown: str = "exactly"  # where its cases are, to anybody: exactly, nearby or never

    @property
    def is_others(self) -> bool:
        """Whether another body is responsible, which the citizen can call."""
        return self.unit.startswith("refer-")


UNDECIDED = "موضوعی که در دست بررسی است"


@dataclass(frozen=True)
class City:
    """The catalogue, the map, and who works when."""

    topics: Mapping[str, Topic]
    map: Map
    roster: Roster = field(repr=False)
    policy: Policy = field(repr=False)
    holidays: frozenset[int] = field(repr=False)  # as `hours.day_number`
    reaches: Reaches = field(default_factory=load_reaches, repr=False)

    @classmethod
    def load(cls, regions_geojson: Path | None = None, nahiye_geojson: Path | None = None) -> Self:
        """Read the data files, and the boundaries of a city that has them; ValueError says what is wrong in them."""
        topics = _topics()
        city_map = Map.load(regions_geojson, nahiye_geojson)
        desks = {t.unit: t.title_fa for t in topics.values() if t.level == "hq" and t.unit != "none"}
        units = city_units(desks, city_map.regions.values())
        calendars = load_calendars()
        roster = Roster.of(units, load_hours_file(), calendars)
        return cls(topics, city_map, roster, load_policy(topics), calendars["office"].holidays)

    @property
    def regions(self) -> Mapping[int, Region]:
        """The regions by number."""
        return self.map.regions

    @cached_property
    def units(self) -> Mapping[str, Unit]:
        """Every unit, those on call too, by code."""
        return self.roster.units

    @cached_property
    def below(self) -> Mapping[str, frozenset[str]]:
        """Of each unit, itself and the units under it."""
        return {
            code: frozenset({code} | {unit.code for unit in self.units.values() if unit.parent == code})
            for code in self.units
        }

    def unit(self, code: str) -> Unit:
        """A unit, also one that the city's data have no more: cases may still be there."""
        return self.units.get(code) or Unit(code, code, "hq")

    def title_of(self, topic: str | None) -> str:
        """A topic in the citizen's words, also where a person has yet to find it."""
        known = self.topics.get(topic or "")
        return known.title_fa if known else UNDECIDED

    def locate(self, place: Place | None) -> Spot:
        """Region and nahiye of a place."""
        return self.map.locate(place)


def _topics() -> dict[str, Topic]:
    """The catalogue, and what the channels ask of a citizen who chose a topic."""
    titles = {row["deputy"]: row["title_fa"] for row in data_rows("deputies.csv")}
    more = {row["topic"]: row for row in data_rows("asks.csv")}
    for row in data_rows("public.csv"):
        more[row["topic"]] = more.get(row["topic"], {}) | row
    return {row["code"]: _topic(row | more.get(row["code"], {}), titles) for row in data_rows("topics.csv")}


def _topic(row: Mapping[str, str], titles: Mapping[str, str]) -> Topic:
    return Topic(
        row["code"],
        row["title_fa"],
        row["title_en"],
        row["deputy"],
        row["unit"],
        row["handled_by"],
        row["urgent"] == "yes",
        int(row["sla_hours"] or 24),
        deputy_fa=titles.get(row["deputy"], row["deputy"]),
        wants_place=row.get("place", "yes") == "yes",
        wants_photo=row.get("photo", "no") == "yes",
        shown=row.get("shown", "exactly"),
    )
