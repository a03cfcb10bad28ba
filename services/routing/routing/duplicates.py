"""Whether a message is about a matter that is open already: an open case's child, a suggestion, or neither."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.resources import files

from common.events import Kind

from routing.cells import metres, size_for, square_of, squares_around
from routing.matters import Agreement, Matter, agreement

MOST_IN_SQUARE = 6  # open cases of one topic and square that are looked at, the latest first
MOST_OWN = 4  # of one citizen and topic
MOST_SUGGESTED = 3
OWN_WINDOW = timedelta(hours=72)  # of a citizen's own case, where the topic has no window
OWN_APART_M = 1000.0  # two exact points farther apart are two matters of one citizen until a person says otherwise
NEVER = frozenset({Kind.THANKS, Kind.INQUIRY})
_LARGEST_M = 500.0
_GPS_M = 5.0  # points nearer to each other than this are equally near


@dataclass(frozen=True, slots=True)
class Reach:
    """How near and how recent a case of a topic must be, for a new message to be about the same matter."""

    radius_m: float
    window: timedelta

    @property
    def size(self) -> int:
        """The size of the squares in which such cases are filed."""
        return size_for(self.radius_m)


Reaches = Mapping[str, Reach]


def load_reaches() -> Reaches:
    """Reach by topic, from `data/duplicates.csv`; ValueError for a radius outside 1-500 m or an empty window."""
    text = (files("routing") / "data" / "duplicates.csv").read_text(encoding="utf-8")
    return {row["topic"]: _reach(row) for row in csv.DictReader(text.splitlines())}


def _reach(row: Mapping[str, str]) -> Reach:
    radius, hours = float(row["radius_m"]), float(row["window_hours"])
    if not 1 <= radius <= _LARGEST_M or hours <= 0:
        raise ValueError(f"duplicates.csv, {row['topic']}: a radius of 1-500 m and a window above 0 h")
    return Reach(radius, timedelta(hours=hours))


@dataclass(frozen=True, slots=True)
class OpenCase:
    """What is kept of an open case for this comparison. Its point (degrees) is exact or None."""

    code: str
    topic: str
    opened_at: datetime
    matter: Matter
    lat: float | None = None
    lon: float | None = None
    region: int | None = None
    parent: str | None = None
    phone_lookup: str | None = None
    account_lookup: str | None = None  # where there is no number
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A new message. `exact` is false where the point is not the citizen's own but was worked out from words."""

    code: str
    topic: str | None
    kind: Kind
    received_at: datetime
    matter: Matter
    lat: float | None = None
    lon: float | None = None
    region: int | None = None
    phone_lookup: str | None = None
    account_lookup: str | None = None  # where there is no number
    exact: bool = True
    urgent: bool = False
    joins: str | None = None  # the case that its citizen chose, having seen what is open near by

    def opened(self, parent: str | None) -> OpenCase | None:
        """The open case that it becomes; None where nothing is ever its duplicate."""
        if self.topic is None or self.kind in NEVER:
            return None
        lat, lon = (self.lat, self.lon) if self.exact else (None, None)
        at, whose = self.received_at, (self.phone_lookup, self.account_lookup)
        return OpenCase(self.code, self.topic, at, self.matter, lat, lon, self.region, parent, *whose, self.urgent)


@dataclass(frozen=True, slots=True)
class Suggested:
    """A case that may be the same matter, for a person to say, and why."""

    code: str
    because: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The parent, if the message is certainly a duplicate; else what may be one, the likeliest first."""

    parent: str | None = None
    because: str = "no open case near it is about the same matter"
    own: bool = False  # the parent is the citizen's own case, or the one that it was joined to
    suggestions: tuple[Suggested, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    """One open case seen from the message; `rank` is smaller for the likelier."""

    code: str
    certain: bool
    own: bool
    rank: tuple[bool, int, datetime]
    because: str


def judge(message: Candidate, nearby: Iterable[OpenCase], reaches: Reaches) -> Verdict:
    """Which open case the message belongs to: the citizen's own before the nearest, the oldest of equally near ones.

    `nearby` may hold cases that do not fit; topic, window, distance and text are looked at here. A child is never
    anyone's parent: its parent takes its place.
    """
    if message.topic is None or message.kind in NEVER:
        return Verdict(because="such a message has no duplicates")
    cases = (case for case in nearby if case.topic == message.topic and message.code not in (case.code, case.parent))
    links = sorted(filter(None, (_link(message, case, reaches) for case in cases)), key=lambda link: link.rank)
    if certain := next((link for link in links if link.certain), None):
        return Verdict(certain.code, certain.because, certain.own)
    found = {link.code: link.because for link in reversed(links)}  # of two ways to one parent the likelier stays
    suggested = [Suggested(code, because) for code, because in reversed(found.items())][:MOST_SUGGESTED]
    return Verdict(suggestions=tuple(suggested))


def _link(message: Candidate, case: OpenCase, reaches: Reaches) -> _Link | None:
    """Urgent work must not wait for a case that is not urgent: such a link is never certain."""
    link = _same_matter(message, case, reaches)
    if link is None or not link.certain or case.urgent or not message.urgent:
        return link
    return replace(link, certain=False, because=f"{link.because}, but it is not urgent")


def _same_matter(message: Candidate, case: OpenCase, reaches: Reaches) -> _Link | None:
    if message.joins is not None and message.joins in (case.code, case.parent):
        return _chosen(message, case)
    reach = reaches.get(case.topic)
    if abs(message.received_at - case.opened_at) > (reach.window if reach else OWN_WINDOW):
        return None
    agreed, apart = agreement(message.matter, case.matter), _apart(message, case)
    if _one_citizen(message, case):
        own = _own(message, case, agreed, apart)
        if own is not None:
            return own
    if reach is None or apart is None or apart > reach.radius_m or agreed is Agreement.DIFFER:
        return None
    certain = agreed is Agreement.AGREE and message.exact
    return _made(case, certain, False, apart, _why_near(agreed, message.exact, apart))


def _one_citizen(message: Candidate, case: OpenCase) -> bool:
    if message.phone_lookup is not None and message.phone_lookup == case.phone_lookup:
        return True
    return message.account_lookup is not None and message.account_lookup == case.account_lookup


def _citizens(one: Candidate | OpenCase) -> list[str]:
    """Who wrote it, as keyed hashes: the number's, or the account's where there is no number."""
    return [whose for whose in (one.phone_lookup, one.account_lookup) if whose]


def _chosen(message: Candidate, case: OpenCase) -> _Link:
    """What its citizen says goes before what we find, whatever the texts; but nobody saw it from so far away."""
    apart = _apart(message, case)
    certain = apart is None or apart <= OWN_APART_M
    why = "the citizen says that it is the same" + ("" if certain else f", but it is {apart:.0f} m away")
    return replace(_made(case, certain, False, apart, why), rank=(False, -1, case.opened_at))


def _own(message: Candidate, case: OpenCase, agreed: Agreement, apart: float | None) -> _Link | None:
    """The same citizen: the texts agree, or nothing in them speaks against it and the region is the same. Short texts
    agree of any two holes, so where no two points say how far apart they are, two regions are two matters."""
    same_region = message.region is not None and message.region == case.region
    in_two_regions = None not in (message.region, case.region) and not same_region
    if agreed is not Agreement.AGREE and not same_region:
        return None
    if agreed is Agreement.DIFFER:
        return _made(case, False, True, apart, "the citizen's own case in the same region, but of another matter")
    if apart is None and in_two_regions:
        return _made(case, False, True, apart, f"the citizen's own case, but in region {case.region}")
    if apart is not None and message.exact and apart > OWN_APART_M:
        return _made(case, False, True, apart, f"the citizen's own case, but {apart:.0f} m away")
    why = "the texts agree" if agreed is Agreement.AGREE else "it is in the same region"
    return _made(case, True, True, apart, f"the citizen's own open case, and {why}")


def _made(case: OpenCase, certain: bool, own: bool, apart: float | None, because: str) -> _Link:
    rank = (not own, int((apart or 0.0) / _GPS_M), case.opened_at)
    return _Link(case.parent or case.code, certain, own, rank, because)


def _why_near(agreed: Agreement, exact: bool, apart: float) -> str:
    if agreed is not Agreement.AGREE:
        return f"an open case {apart:.0f} m away, but the texts do not say that it is the same matter"
    if not exact:
        return "an open case near by whose text agrees, but the place is approximate"
    return f"an open case {apart:.0f} m away, and the texts agree"


def _apart(message: Candidate, case: OpenCase) -> float | None:
    if message.lat is None or message.lon is None or case.lat is None or case.lon is None:
        return None
    return metres(message.lat, message.lon, case.lat, case.lon)


@dataclass
class _Batch:
    """The open cases that a batch itself has made so far, found by square and by citizen."""

    reaches: Reaches
    by_square: dict[tuple[str, int], list[OpenCase]] = field(default_factory=dict)
    by_citizen: dict[tuple[str, str], list[OpenCase]] = field(default_factory=dict)

    def near(self, message: Candidate) -> list[OpenCase]:
        """As many as the search in the tables would give, so that a storm in one place stays cheap."""
        if message.topic is None:
            return []
        mine = (self.by_citizen.get((message.topic, whose), ()) for whose in _citizens(message))
        found = [case for cases in mine for case in cases[-MOST_OWN:]]
        reach = self.reaches.get(message.topic)
        if reach is None or message.lat is None or message.lon is None or not self.by_square:
            return found
        around = squares_around(message.lat, message.lon, reach.radius_m).numbers()
        filed = (self.by_square.get((message.topic, square), ()) for square in around)
        return found + [case for cases in filed for case in cases[-MOST_IN_SQUARE:]]

    def add(self, case: OpenCase | None) -> None:
        """A parent is found by its place, and any case by its citizen."""
        if case is None:
            return
        for whose in _citizens(case):
            self.by_citizen.setdefault((case.topic, whose), []).append(case)
        square = square_to_file(case, self.reaches)
        if square is not None and case.parent is None:
            self.by_square.setdefault((case.topic, square), []).append(case)


def judge_batch(
    messages: Sequence[Candidate], near: Mapping[int, Sequence[OpenCase]], reaches: Reaches
) -> list[Verdict]:
    """A verdict a message, in order; the first about a matter becomes the parent of those after it in the batch.

    `near` has the open cases of the tables by the message's index, as `routing.near.find_near` gives them.
    """
    batch, verdicts = _Batch(reaches), []
    for n, message in enumerate(messages):
        verdict = judge(message, [*near.get(n, ()), *batch.near(message)], reaches)
        batch.add(message.opened(verdict.parent))
        verdicts.append(verdict)
    return verdicts


def square_to_file(case: OpenCase, reaches: Reaches) -> int | None:
    """The square under which an open case is found; None without a point or a radius."""
    reach = reaches.get(case.topic)
    if reach is None or case.lat is None or case.lon is None:
        return None
    return square_of(case.lat, case.lon, reach.size)
