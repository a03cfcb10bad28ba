"""A telephone queue on paper: a seeded discrete-event simulation whose decisions are intake's own pure functions.

Callers come as a Poisson stream, talk for log-normal times, give up after exponential ones. Time is a value; nothing
here waits. What a call came to is in `Simulation.callers`.
"""

import heapq
import itertools
import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from common.calendar import ShiftName
from intake.channels.phone.estimate import Estimate, Seen, estimate
from intake.channels.phone.scheduling import Working, next_try, plan, slot_of

BEGIN = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # a Tuesday, 10:00 in Tehran
LAST_SERVICES = 200
PAUSE = timedelta(minutes=15)
TRIES = 3
RINGS = 30.0  # seconds in which nobody picks up


@dataclass(frozen=True)
class Town:
    """How callers and operators behave; seconds. Choices are of those who are offered another way."""

    operators: int = 40
    service: float = 120.0  # 137's operators talk and write for 110-130 s on average
    spread: float = 0.6  # coefficient of variation of a service time
    patience: float = 300.0  # exponential, so that one in three gives up within two minutes
    takes_callback: float = 0.40
    takes_link: float = 0.25
    follows_link: float = 0.60
    picks_up: float = 0.75  # a callback, at each try
    overflow: float | None = 180.0  # None: nobody is offered anything
    share: float = 0.15  # of the operators' time, for callbacks


@dataclass
class Caller:
    """One call and what it came to."""

    joined: float
    patience: float
    estimated: Estimate
    choice: str = "wait"
    followed: bool = False
    answered: float | None = None
    gave_up: float | None = None
    turn: float | None = None  # when it would have been answered, had it never given up
    promised: float | None = None
    attempts: int = 0
    end: str | None = None  # of a callback: reached or closed

    @property
    def wait(self) -> float | None:
        """Seconds in the queue; None of one who took another way."""
        end = self.answered if self.answered is not None else self.gave_up
        return None if end is None else end - self.joined


@dataclass
class Simulation:
    """The queue, played to its end."""

    town: Town
    calls_per_hour: Callable[[float], float]  # of a second
    seconds: float
    seed: int
    callers: list[Caller] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # of callbacks' first tries, against the promise

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._queue: deque[Caller] = deque()
        self._due: list[tuple[float, int, Caller]] = []
        self._free = self.town.operators
        self._services: deque[float] = deque(maxlen=LAST_SERVICES)
        self._ended: deque[Caller] = deque(maxlen=LAST_SERVICES)
        self._planned: Counter[datetime] = Counter()
        self._calling_back = 0
        operators = dict.fromkeys(ShiftName, self.town.operators)
        self.working = Working(operators, self.town.share, self.town.service)
        self._most = self.working.at_once(self.town.operators)

    def play(self) -> "Simulation":
        """From the first caller to the last callback."""
        self._at(self._dice.expovariate(self.calls_per_hour(0) / 3600), self._arrive)
        while self._events:
            now, _, act, given = heapq.heappop(self._events)
            act(now, *given)
        return self

    def _at(self, when: float, act: Callable[..., None], *given: Any) -> None:
        heapq.heappush(self._events, (when, next(self._order), act, given))

    def _arrive(self, now: float) -> None:
        gap = self._dice.expovariate(self.calls_per_hour(now) / 3600)
        if now + gap < self.seconds:
            self._at(now + gap, self._arrive)
        caller = Caller(now, self._dice.expovariate(1 / self.town.patience), estimate(self.seen()))
        self.callers.append(caller)
        limit = self.town.overflow
        if limit is not None and caller.estimated.at_most > limit and self._leaves(caller):
            return
        self._queue.append(caller)
        self._at(now + caller.patience, self._give_up, caller)
        self._work(now)

    def seen(self) -> Seen:
        """What the next caller would find."""
        waits = sum(caller.wait or 0.0 for caller in self._ended)
        gave_up = sum(caller.gave_up is not None for caller in self._ended)
        agents = self.town.operators - min(self._most, self._calling_back + len(self._due))
        return Seen(len(self._queue), agents, self._free, tuple(self._services), waits, gave_up)

    def _leaves(self, caller: Caller) -> bool:
        drawn = self._dice.random()
        if drawn < self.town.takes_callback:
            return self._promise(caller)
        if drawn < self.town.takes_callback + self.town.takes_link:
            caller.choice, caller.followed = "link", self._dice.random() < self.town.follows_link
            return True
        return False

    def _promise(self, caller: Caller) -> bool:
        after = BEGIN + timedelta(seconds=caller.joined + caller.estimated.seconds)
        at = plan(after, self._planned, self.working)
        if at is None:
            return False
        self._planned[slot_of(at)] += 1
        caller.choice, caller.promised = "callback", (at - BEGIN).total_seconds()
        self._at(caller.promised, self._fall_due, caller)
        return True

    def _fall_due(self, now: float, caller: Caller) -> None:
        heapq.heappush(self._due, (caller.promised or now, next(self._order), caller))
        self._work(now)

    def _give_up(self, now: float, caller: Caller) -> None:
        if caller.answered is None:
            caller.gave_up = now
            self._queue.remove(caller)
            self._ended.append(caller)

    def _work(self, now: float) -> None:
        """Free operators take what is due to be called back, no more of them than may, then who waits."""
        while self._free and self._due and self._calling_back < self._most:
            self._call_back(now, heapq.heappop(self._due)[2])
        while self._free and self._queue:
            caller = self._queue.popleft()
            caller.answered = now
            self._ended.append(caller)
            self._talk(now, self._length(), 0)

    def _call_back(self, now: float, caller: Caller) -> None:
        caller.attempts += 1
        if caller.attempts == 1 and caller.promised is not None:
            self.late.append(now - caller.promised)
        if self._dice.random() < self.town.picks_up:
            caller.end = "reached"
            self._talk(now, self._length(), 1)
            return
        self._talk(now, RINGS, 1)
        if caller.attempts == TRIES:
            caller.end = "closed"
            return
        again = next_try(BEGIN + timedelta(seconds=now), PAUSE, self.working)
        self._at((again - BEGIN).total_seconds(), self._fall_due, caller)

    def _length(self) -> float:
        sigma = math.sqrt(math.log(1 + self.town.spread**2))
        length = self._dice.lognormvariate(math.log(self.town.service) - sigma**2 / 2, sigma)
        self._services.append(length)
        return length

    def _talk(self, now: float, seconds: float, back: int) -> None:
        self._free -= 1
        self._calling_back += back
        self._at(now + seconds, self._hang_up, back)

    def _hang_up(self, now: float, back: int) -> None:
        self._free += 1
        self._calling_back -= back
        self._work(now)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that this share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
