"""Plays simulated messages through the incidents of routing, as a handler would: rows in, rows out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routing.baseline import Baseline, Flow
from routing.incidents import Incident, Known, Sighting, close_if_calm, fold, group
from routing.surge import Watch
from workbench.simulator import Sent, snow_onset


@dataclass
class Replay:
    """The rows that a database would hold, and what was opened when."""

    baseline: Baseline
    watches: dict[Flow, Watch] = field(default_factory=dict)
    open: dict[str, Incident] = field(default_factory=dict)
    closed: list[Incident] = field(default_factory=list)
    opened: list[tuple[str, datetime]] = field(default_factory=list)
    now: datetime | None = None

    def play(self, messages: Sequence[Sent], batch: int = 100) -> "Replay":
        """In batches, the timer after each."""
        for first in range(0, len(messages), batch):
            self._poll(messages[first : first + batch])
        return self

    def stored(self) -> "Replay":
        """The same rows, through their stored form."""
        watches = {flow: Watch.from_dict(watch.as_dict()) for flow, watch in self.watches.items()}
        incidents = {family: Incident.from_dict(one.as_dict()) for family, one in self.open.items()}
        return Replay(self.baseline, watches, incidents, list(self.closed), list(self.opened), self.now)

    def tick(self, now: datetime) -> None:
        """What the timer does: close what is calm."""
        for incident in list(self.open.values()):
            flows = [Flow(incident.family, area) for area in incident.counts]
            watches = {flow: self.watches[flow] for flow in flows}
            after = close_if_calm(incident, watches, self.baseline, now)
            self.watches.update(after.watches)
            for family, closed in after.incidents.items():
                self.closed.append(closed)
                del self.open[family]

    def _poll(self, messages: Sequence[Sent]) -> None:
        self.now = max([*(message.at for message in messages), *([self.now] if self.now else [])])
        moments = group([seen(message) for message in messages], self.baseline)
        rows = {flow: self.watches[flow] for flow in moments if flow in self.watches}
        after = fold(Known(rows, self.open), moments, self.baseline, now=self.now)
        self.opened += [(family, self.now) for family in after.incidents if family not in self.open]
        self.watches.update(after.watches)
        self.open.update(after.incidents)
        self.tick(self.now)


def seen(message: Sent) -> Sighting:
    """What incidents look at."""
    return Sighting(message.at, message.topic, message.region, message.nahiye)


def assert_found_early_and_alone(replay: Replay, night: Sequence[Sent]) -> None:
    """A snow night's three incidents are found within twenty minutes, at its heart, with their messages; no others."""
    replay.play(night, batch=10)
    delays = [at - snow_onset() for _, at in replay.opened]
    assert sorted(family for family, _ in replay.opened) == ["TREE", "US-SALT", "US-SNOW"]
    assert max(delays) <= timedelta(minutes=20)
    heart = Counter(message.region for message in night).most_common(1)[0][0]
    for incident in [*replay.open.values(), *replay.closed]:
        members = [message for message in night if message.topic in incident.topics]
        assert incident.regions[0] == heart
        assert 0.8 * len(members) <= incident.count <= len(members)
