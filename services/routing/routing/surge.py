"""The sequential test behind incidents: does a flow of messages run above what is ordinary?

Ordinary means: facts become known as a Poisson process of at most the expected rate r (baseline.py), and each is
reported by K citizens, K geometric with P(another) = 0.12, DESIGN.md section 8's share of duplicates. For an
alternative θ the compensator of θ^messages is ψ = (E[θ^K] - 1) / E[K] a message, so for every start s

    M(s, t) = θ^N(s, t] · exp(-ψ · ∫ r)        is a supermartingale that begins at 1,

also when the K reports are spread over hours: reports so far never exceed those of the facts so far. The evidence
is R(t) = ∫ M(s, t) ds in hours, averaged over the alternatives (Shiryaev-Roberts; "e-detector"). R(t) - t is a
supermartingale, hence by Doob  P(R reaches c within T hours) <= T / c  whatever the hour, weekday or batch.
With c = 24 · flows / chance this is `chance` a day for all flows together (`threshold`).

Delay: at m messages an hour R grows by m·ln θ - ψ·r nats an hour, and starts from about 1 / (ψ·r); so it takes about
(ln c + ln 2 + ln ψr) / (m·ln θ - ψ·r) hours: some 10 messages of a thing that is rare, 13 minutes at 50 an hour.
A message is worth ln 6 at most, so that no handful of neighbours with one pothole opens an incident.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from routing.baseline import Expected

ANOTHER = 0.12  # chance that a fact, once reported, is reported once more
THETAS = (2.5, 6.0)  # times what is ordinary; θ · ANOTHER must stay under 1
LATE = 1.0  # hours after which a message that comes late no longer speaks for now
CALM = 4.0  # messages in the last hour (older ones fading) that keep nothing going
CALM_TIMES = 2.0  # nor do so many times what is ordinary
_CAP = 1e9  # more evidence than this changes nothing, and would only take longer to fade
_TEHRAN = 3.5  # hours ahead of UTC


def _compensator(theta: float) -> float:
    clusters = (1 - ANOTHER) * theta / (1 - ANOTHER * theta)
    return (clusters - 1) * (1 - ANOTHER)


PSIS = tuple(_compensator(theta) for theta in THETAS)
_TESTS = tuple(zip(range(len(THETAS)), THETAS, PSIS, strict=True))


def threshold(flows: int, chance: float) -> float:
    """The evidence at which all `flows` together raise at most `chance` false alarms a day; evidence is in hours."""
    return 24 * flows / chance


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of one flow: a row. Times are aware; evidence is in hours, one for each of THETAS."""

    at: datetime
    evidence: tuple[float, ...]
    recent: float  # messages, each fading with a time constant of an hour
    busy_at: datetime | None  # when the last hour last held more than is calm
    since: datetime | None  # first message of the present run
    count: int  # messages of the present run
    peak: float  # most evidence in the present run

    @classmethod
    def fresh(cls, at: datetime, expected: Expected) -> Self:
        """Nothing seen yet, and the evidence that a long ordinary time leaves."""
        rate = expected.rate(int(_hours(at)))
        return cls(at, tuple(1 / (psi * rate) for psi in PSIS), 0.0, None, None, 0, 0.0)

    def as_dict(self) -> dict[str, Any]:
        """Its stored form, for JSON."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        times = {name: value.isoformat() for name, value in shown.items() if isinstance(value, datetime)}
        return shown | times | {"evidence": list(self.evidence)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """From its stored form; KeyError, TypeError or ValueError when it is not one."""
        times = {name: _moment(stored[name]) for name in ("at", "busy_at", "since")}
        return cls(**{**stored, **times, "evidence": tuple(map(float, stored["evidence"]))})


def observe(watch: Watch, moments: Iterable[datetime], expected: Expected, now: datetime) -> Watch:
    """Fold in the messages of one batch, in any order, then let time pass until `now`; O(1) a message.

    A message that comes late counts where it belongs, as far as it is less than an hour late. `now` is the time up to
    which messages have come (of the latest message, or of the clock on a timer), so that a backlog is not a burst.
    """
    tally = _Tally(watch, expected)
    for hour in sorted(map(_hours, moments)):
        tally.pass_until(hour)
        tally.count(hour)
    tally.pass_until(_hours(now))
    return tally.watch()


class _Tally:
    """A watch taken apart into floats, in hours since 1970 of Tehran's clock, while a batch is folded in."""

    def __init__(self, watch: Watch, expected: Expected) -> None:
        self._expected = expected
        self._at = _hours(watch.at)
        self._evidence = list(watch.evidence)
        self._recent = watch.recent
        self._busy_at = None if watch.busy_at is None else _hours(watch.busy_at)
        self._since = None if watch.since is None else _hours(watch.since)
        self._count, self._peak = watch.count, watch.peak

    def pass_until(self, hour: float) -> None:
        """Evidence fades with what was expected meanwhile, hour by hour as the expectation changes."""
        at, evidence, expected = self._at, self._evidence, self._expected
        if hour <= at:
            return
        self._recent *= math.exp(at - hour)
        while at < hour:
            whole = int(at) + 1.0
            upto = hour if expected.flat or hour < whole else whole
            rate = expected.rate(int(at))
            for i, _, psi in _TESTS:
                usual = 1 / (psi * rate)  # where it settles, as starts come and fade
                evidence[i] = usual + (evidence[i] - usual) * math.exp((at - upto) / usual)
            at = upto
        self._at = at

    def count(self, hour: float) -> None:
        """A message of that time, which may be before the present."""
        age = self._at - hour
        if age > LATE:
            return
        rate = self._expected.rate(int(self._at))
        self._begin_run(hour, rate)
        for i, theta, psi in _TESTS:
            younger = (1 - math.exp(-psi * rate * age)) / (psi * rate) if age > 0 else 0.0
            gains = max(0.0, self._evidence[i] - younger)  # starts after the message do not gain by it
            self._evidence[i] = min(_CAP, self._evidence[i] + (theta - 1) * gains)
        self._count += 1
        self._peak = max(self._peak, sum(self._evidence) / len(THETAS))
        self._recent += math.exp(-age)
        if self._recent >= max(CALM, CALM_TIMES * rate):
            self._busy_at = self._at

    def _begin_run(self, hour: float, rate: float) -> None:
        """A run begins with a message before which the last alternative had no more evidence than usual."""
        if self._since is None or self._evidence[-1] <= 2 / (PSIS[-1] * rate):
            self._since, self._count, self._peak = hour, 0, 0.0
        self._since = min(self._since, hour)

    def watch(self) -> Watch:
        """Put together again."""
        busy_at = None if self._busy_at is None else _time(self._busy_at)
        since = None if self._since is None else _time(self._since)
        return Watch(_time(self._at), tuple(self._evidence), self._recent, busy_at, since, self._count, self._peak)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _hours(moment: datetime) -> float:
    return moment.timestamp() / 3600 + _TEHRAN


def _time(hours: float) -> datetime:
    return _EPOCH + timedelta(hours=hours - _TEHRAN)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
