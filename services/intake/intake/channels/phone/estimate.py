"""How long the next caller will wait. Pure: from what was seen of the queue, in seconds.

Agents at work end calls at the rate n/S; of those ahead, some give up, each at the rate 1/P. So the wait behind k
others is a sum of exponential steps at the rates n/S, n/S + 1/P … n/S + k/P, whose mean and variance are plain sums.
Service time and patience are those of the last calls, drawn towards what is usual where few were seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# 137's operators talk and write for 110-130 s on average; 30 calls of their own weigh as much as what is usual.
USUAL_SERVICE_SECONDS = 120.0
USUAL_PATIENCE_SECONDS = 300.0
LONGEST_PATIENCE_SECONDS = 3600.0  # where an exchange never tells who gave up, all would seem to wait for ever
_WEIGHT_OF_USUAL = 30
_WEIGHT_OF_PATIENCE = 5  # in callers who gave up, of whom few are seen
_SURE = 1.645  # standard deviations: 95 of 100 wait less


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a queue at a moment. `waits` are all that the last callers waited, `gave_up` how many of
    them gave up: the patience of those who were answered is only known to be longer than that."""

    ahead: int
    agents: int
    free: int = 0
    services: Sequence[float] = ()
    waits: float = 0.0
    gave_up: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """The wait that is expected, and the one that 95 of 100 stay under; infinite while nobody works."""

    seconds: float
    at_most: float


def estimate(seen: Seen) -> Estimate:
    """What a caller who joins now has to expect."""
    if seen.agents > 0 and seen.free > seen.ahead:
        return Estimate(0.0, 0.0)
    if seen.agents <= 0:
        return Estimate(math.inf, math.inf)
    answering = seen.agents / service_time(seen.services)
    leaving = 1 / patience(seen.waits, seen.gave_up)
    steps = [1 / (answering + k * leaving) for k in range(max(0, seen.ahead - seen.free) + 1)]
    mean = sum(steps)
    return Estimate(mean, mean + _SURE * math.sqrt(sum(step * step for step in steps)))


def service_time(services: Sequence[float]) -> float:
    """Mean time that an agent gives to a call."""
    usual = _WEIGHT_OF_USUAL * USUAL_SERVICE_SECONDS
    return (sum(services) + usual) / (len(services) + _WEIGHT_OF_USUAL)


def patience(waits: float, gave_up: int) -> float:
    """Mean time after which a caller gives up: all waiting, by those who did."""
    usual = _WEIGHT_OF_PATIENCE * USUAL_PATIENCE_SECONDS
    return min(LONGEST_PATIENCE_SECONDS, (waits + usual) / (gave_up + _WEIGHT_OF_PATIENCE))
