"""How many agents a half hour needs. Pure; times in seconds, load in erlang (arrivals a second × mean service time).

Erlang C takes every caller for patient; Erlang A (M/M/n+M) lets them give up after an exponential time. With A, the
wait of a caller who finds k ahead is a sum of exponential steps at the rates nμ, nμ+θ … nμ+kθ; e^-θW is then
Beta(nμ/θ, k+1) distributed, whose distribution function has the finite sum below.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

HALF_HOUR = 1800.0
MOST_AGENTS = 2_000
_NEGLIGIBLE = 30.0  # in natural logarithms


@dataclass(frozen=True, slots=True)
class Offered:
    """What comes to a queue: calls a second, mean service time, and mean patience (None: nobody gives up)."""

    calls_per_second: float
    service_seconds: float
    patience_seconds: float | None = None

    @property
    def load(self) -> float:
        """In erlang."""
        return self.calls_per_second * self.service_seconds


@dataclass(frozen=True, slots=True)
class Level:
    """A promise: this share of callers is answered within these seconds."""

    share: float
    seconds: float


EIGHTY_TWENTY = Level(0.80, 20.0)
NOBODY_OVER_180 = Level(0.999, 180.0)  # with exponential tails no share reaches 1


def waiting_probability(load: float, agents: int) -> float:
    """Erlang C: the chance that a caller must wait at all; 1 where the queue grows for ever."""
    if load <= 0:
        return 0.0
    if agents <= load:
        return 1.0
    blocked = 1.0  # Erlang B by its recursion, which does not overflow
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / agents * (1 - blocked))


def answered_within(offered: Offered, agents: int, seconds: float) -> float:
    """The share of callers that wait at most so long; with patience, of those who do not give up before."""
    if offered.patience_seconds is not None:
        return 1.0 - _waits_over(offered, agents, seconds)
    if agents <= offered.load:
        return 0.0
    waits = waiting_probability(offered.load, agents)
    return 1.0 - waits * math.exp(-(agents - offered.load) * seconds / offered.service_seconds)


def abandoned_share(offered: Offered, agents: int) -> float:
    """Erlang A: the share of callers that give up."""
    if offered.patience_seconds is None or offered.load <= 0:
        return 0.0
    busy, queue = _states(offered, agents)
    whole = busy + sum(queue)
    waiting = sum(k * weight for k, weight in enumerate(queue)) / whole
    return waiting / offered.patience_seconds / offered.calls_per_second


def agents_needed(offered: Offered, level: Level) -> int:
    """The fewest agents that keep a promise."""
    if offered.load <= 0:
        return 0
    fewest = 1 if offered.patience_seconds is not None else math.floor(offered.load) + 1
    enough = range(fewest, MOST_AGENTS)
    found = bisect_left(enough, True, key=lambda n: answered_within(offered, n, level.seconds) >= level.share)
    return fewest + found


def _waits_over(offered: Offered, agents: int, seconds: float) -> float:
    """Erlang A: the chance that one who never gives up waits longer."""
    if offered.load <= 0:
        return 0.0
    assert offered.patience_seconds is not None
    busy, queue = _states(offered, agents)
    gone = min(math.exp(-seconds / offered.patience_seconds), 1 - 1e-12)
    strength = agents * offered.patience_seconds / offered.service_seconds
    longer = sum(weight * chance for weight, chance in zip(queue, _beta(gone, strength), strict=False))
    return min(1.0, longer / (busy + sum(queue)))


def _states(offered: Offered, agents: int) -> tuple[float, list[float]]:
    """Weights of the states with a free agent, together, and of those with 0, 1, 2 … waiting and all agents busy."""
    assert offered.patience_seconds is not None
    logs, peak = [0.0], 0.0  # in logarithms: far into an overload the weights pass what a float holds
    for waiting in count(1):
        leaving = agents / offered.service_seconds + waiting / offered.patience_seconds
        logs.append(logs[-1] + math.log(offered.calls_per_second / leaving))
        peak = max(peak, logs[-1])
        if logs[-1] < peak - _NEGLIGIBLE:
            break
    weight = math.exp(-peak)
    busy = 0.0
    for n in range(agents, 0, -1):  # downwards from all busy and none waiting
        weight *= n / offered.load
        busy += weight
    return busy, [math.exp(log - peak) for log in logs]


def _beta(x: float, strength: float) -> Iterator[float]:
    """The distribution function of Beta(strength, k+1) at x, for k = 0, 1, 2 …"""
    whole, log_term = 0.0, strength * math.log(x)  # in logarithms, for x ** strength underflows at 500 agents
    for k in count(1):
        whole += math.exp(log_term)
        yield min(1.0, whole)
        log_term += math.log1p(-x) + math.log((strength + k - 1) / k)
