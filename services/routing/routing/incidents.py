"""Incidents: one event in the city behind many messages. Opened, grown and closed by what `surge.py` sees.

There is at most one open incident of a topic family: where the same family rises elsewhere, its extent grows.
`fold` takes the messages of a batch and the rows they concern, and gives the rows back; nothing looks at other cases.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from routing.baseline import Area, Baseline, Flow
from routing.surge import Watch, observe, threshold

FALSE_A_DAY = 0.05  # false incidents a day in the whole city, at most: one in twenty days
FALSE_GROWTH_A_DAY = 0.01  # for one area, of joining an open incident that is elsewhere
QUIET = timedelta(hours=6)  # how long every area must have been calm before an incident closes
BEFORE = timedelta(minutes=30)  # before the first message seen: a member that comes late
_GROWTH = timedelta(minutes=10)


class Sighting(NamedTuple):
    """A message as far as incidents look at it. A citizen's repeat of an own open case is not one."""

    at: datetime
    topic: str
    region: int | None
    nahiye: int | None

    @property
    def areas(self) -> tuple[Area, ...]:
        """The region and the nahiye, as far as they are known."""
        if self.region is None:
            return ()
        region = Area(self.region)
        return (region,) if self.nahiye is None else (region, Area(self.region, self.nahiye))


@dataclass(frozen=True, slots=True)
class Incident:
    """An event in the city and its extent. `counts` are messages since the rise, by area."""

    family: str
    topics: tuple[str, ...]
    first_seen: datetime
    opened_at: datetime
    counts: Mapping[Area, int]
    last_at: datetime  # of the messages so far
    recent: float  # messages, each fading with a time constant of ten minutes
    busy_at: datetime  # when an area of it was last above what is calm
    closed_at: datetime | None = None

    @property
    def regions(self) -> tuple[int, ...]:
        """Regions that rose, the most messages first."""
        return tuple(area.region for area in self._by_count() if area.nahiye is None)

    @property
    def nahiye(self) -> tuple[Area, ...]:
        """Nahiye that rose, in those regions or alone, the most messages first."""
        return tuple(area for area in self._by_count() if area.nahiye is not None)

    @property
    def count(self) -> int:
        """Messages since the rise; those of a nahiye are among those of its region."""
        return _distinct(self.counts, self.counts)

    def growth(self, now: datetime) -> float:
        """Messages per ten minutes, lately."""
        return self.recent * _kept(now - self.last_at)

    def as_dict(self) -> dict[str, Any]:
        """Its stored form, for JSON."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        times = {name: value.isoformat() for name, value in shown.items() if isinstance(value, datetime)}
        counts = {str(area): count for area, count in self.counts.items()}
        return shown | times | {"topics": list(self.topics), "counts": counts}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """From its stored form; KeyError, TypeError or ValueError when it is not one."""
        times = {name: datetime.fromisoformat(stored[name]) for name in _TIMES if stored[name] is not None}
        counts = {Area.parse(area): int(count) for area, count in stored["counts"].items()}
        return cls(**{**stored, **times, "topics": tuple(stored["topics"]), "counts": counts})

    def _by_count(self) -> list[Area]:
        return sorted(self.counts, key=lambda area: (-self.counts[area], str(area)))


_TIMES = ("first_seen", "opened_at", "last_at", "busy_at", "closed_at")


@dataclass(frozen=True, slots=True)
class Known:
    """Rows: the watches of some flows, and the open incidents of some families."""

    watches: Mapping[Flow, Watch] = field(default_factory=dict)
    incidents: Mapping[str, Incident] = field(default_factory=dict)


def matches(incident: Incident, message: Sighting) -> bool:
    """Whether a new message joins: the incident is open, and its topics and extent hold the message's."""
    if incident.closed_at is not None or message.topic not in incident.topics:
        return False
    return message.at >= incident.first_seen - BEFORE and any(area in incident.counts for area in message.areas)


def group(sightings: Iterable[Sighting], baseline: Baseline) -> dict[Flow, list[datetime]]:
    """The moments of each flow that a batch concerns: whose rows to load. Topics without a family are not watched."""
    moments: dict[Flow, list[datetime]] = defaultdict(list)
    for sighting in sightings:
        family = baseline.families.get(sighting.topic)
        for area in sighting.areas if family else ():
            moments[Flow(family or "", area)].append(sighting.at)
    return dict(moments)


def fold(
    known: Known, moments: Mapping[Flow, Sequence[datetime]], baseline: Baseline, *, now: datetime, scale: float = 1.0
) -> Known:
    """The rows that a batch changes: watches of its flows, incidents opened or grown (their counts included).

    `moments` is what `group` made of the batch, `known` the rows of those flows and the open incidents of those
    families. `now` is the time of the latest message so far, not the clock; `scale` is what the city had in the last
    weeks against `baseline.csv`.
    """
    watches: dict[Flow, Watch] = {}
    for flow, times in moments.items():
        expected = baseline.expected(flow, scale)
        watch = known.watches.get(flow) or Watch.fresh(min(times), expected)
        watches[flow] = observe(watch, times, expected, now)
    by_family: dict[str, dict[Area, Watch]] = defaultdict(dict)
    for flow, watch in watches.items():
        by_family[flow.family][flow.area] = watch
    incidents = {}
    for family, areas in by_family.items():
        news = {area: moments[Flow(family, area)] for area in areas}
        incident = known.incidents.get(family) or _opened(family, areas, baseline, now)
        if incident is not None:
            incidents[family] = _grown(incident, areas, news)
    return Known(watches, incidents)


def close_if_calm(incident: Incident, watches: Mapping[Flow, Watch], baseline: Baseline, now: datetime) -> Known:
    """The closed incident and its extent's watches begun anew, once all was calm for `QUIET`; else nothing.

    For a timer, with the watches of the incident's extent; `now` as in `fold`. By hand: `close`.
    """
    busy = [watch.busy_at for flow, watch in watches.items() if flow.family == incident.family and watch.busy_at]
    if incident.closed_at is not None or now - max([incident.busy_at, *busy]) < QUIET:
        return Known()
    return close(incident, baseline, now)


def close(incident: Incident, baseline: Baseline, now: datetime) -> Known:
    """The closed incident, and the watches of its extent begun anew, so that the same messages open no second one."""
    flows = [Flow(incident.family, area) for area in incident.counts]
    fresh = {flow: Watch.fresh(now, baseline.expected(flow)) for flow in flows}
    return Known(fresh, {incident.family: replace(incident, closed_at=now)})


def _opened(family: str, areas: Mapping[Area, Watch], baseline: Baseline, now: datetime) -> Incident | None:
    """An incident without an extent yet, if an area of the batch rose far enough."""
    risen = [watch for area, watch in areas.items() if watch.peak >= _opens_at(area, baseline)]
    if not risen:
        return None
    first = min(watch.since or now for watch in risen)
    return Incident(family, baseline.topics[family], first, now, {}, first, 0.0, now)


def _opens_at(area: Area, baseline: Baseline) -> float:
    """Regions and nahiye share the false alarms in halves."""
    return threshold(baseline.flows(nahiye=area.nahiye is not None), FALSE_A_DAY / 2)


def _grown(incident: Incident, areas: Mapping[Area, Watch], news: Mapping[Area, Sequence[datetime]]) -> Incident:
    """With the new messages of its extent, and with the areas that rose now, since their rise."""
    joins_at = threshold(1, FALSE_GROWTH_A_DAY)
    joining = {a: w.count for a, w in areas.items() if a not in incident.counts and w.peak >= joins_at}
    counted = {area: incident.counts[area] + len(news[area]) for area in areas if area in incident.counts}
    counts = {**incident.counts, **counted, **joining}
    touched = [area for area in areas if area in counts]
    if not touched:
        return incident
    moments = [at for area in touched if _counts_alone(area, counts) for at in news[area]]
    last = max([incident.last_at, *moments])
    return replace(
        incident,
        first_seen=min([incident.first_seen, *(areas[area].since or incident.first_seen for area in joining)]),
        counts=counts,
        last_at=last,
        recent=incident.recent * _kept(last - incident.last_at) + sum(_kept(last - at) for at in moments),
        busy_at=max([incident.busy_at, *(areas[area].busy_at or incident.busy_at for area in touched)]),
    )


def _distinct(areas: Iterable[Area], counts: Mapping[Area, int]) -> int:
    return sum(counts[area] for area in areas if _counts_alone(area, counts))


def _counts_alone(area: Area, extent: Mapping[Area, int]) -> bool:
    return area.nahiye is None or Area(area.region) not in extent


def _kept(age: timedelta) -> float:
    return math.exp(-max(age, timedelta()) / _GROWTH)
