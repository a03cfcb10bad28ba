"""Where a case goes that a unit gives back or away: never in a circle.

The first bounce goes to the unit that is named, else back to who gave the case, with its reason. A second one, and
whatever would bring a case back to a unit that bounced it, goes to the arbitration desk instead. From there only the
desk or a supervisor refers it, and finally: who gets it then can hand it to units under it, and not back.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from common.auth import Caller, Role
from common.db import Row, Transaction
from common.errors import FieldError, Problem
from common.events import Step

from routing.city import City
from routing.models import Case
from routing.steps import Move
from routing.units import ARBITRATION, ON_CALL, TRIAGE, heir

OPEN, DECIDED = "open", "decided"
_STEPS = "SELECT step, unit, by FROM history WHERE code = $1 ORDER BY revision"


@dataclass(frozen=True, slots=True)
class Past:
    """What happened to a case, as far as it decides where the case may go."""

    bounced_by: frozenset[str] = frozenset()
    given_by: str | None = None  # the unit that had it before a person gave it to the one that has it
    gone: str | None = None  # that unit, where the city has it no more and `given_by` acts for it

    @classmethod
    def of(cls, steps: Sequence[Row]) -> "Past":
        """From the rows of its history, in order."""
        bounced_by = frozenset(_own(row["unit"]) for row in steps if row["step"] == Step.BOUNCE)
        given = [(had["unit"], row) for had, row in pairwise(steps) if row["step"] == Step.REFER]
        by_people = [unit for unit, row in given if row["by"] and row["unit"] != unit]
        return cls(bounced_by, by_people[-1] if by_people else None)

    def among(self, units: Container[str], holder: str) -> "Past":
        """With the unit that acts now for the one that gave it; the triage desk where that is the holder."""
        if self.given_by is None or self.given_by in units:
            return self
        acting = heir(self.given_by, units)
        return replace(self, given_by=TRIAGE if acting == _own(holder) else acting, gone=self.given_by)


@dataclass(frozen=True, slots=True)
class Giving:
    """Someone gives a case away. `to` is None in a bounce that names no unit."""

    holder: str
    to: str | None
    bounce: bool
    arbiter: bool  # the desk or a supervisor
    below: frozenset[str]  # the holder and the units under it
    arbitration: str | None


@dataclass(frozen=True, slots=True)
class Course:
    """Where it goes, what arbitration it is in from then on, and why it goes elsewhere than asked."""

    unit: str
    arbitration: str | None
    because: str | None = None


def course(giving: Giving, past: Past) -> Course:
    """Where a case goes; Problem 403 or 409 where it may not be given away."""
    to = giving.to or past.given_by or TRIAGE
    circle = _own(to) in past.bounced_by
    if giving.bounce:
        return _of_bounce(giving, past, to)
    if to == giving.holder:
        return Course(to, giving.arbitration)
    if to == ARBITRATION and (giving.arbiter or giving.arbitration is None):
        return Course(to, OPEN)
    if giving.arbiter:
        return Course(to, DECIDED if giving.arbitration or circle else None)
    if giving.arbitration == OPEN:
        raise Problem(403, "The arbitration desk or a supervisor refers this case on, nobody else.")
    if giving.arbitration == DECIDED and to not in giving.below:
        raise _decided()
    if circle and giving.arbitration is None:
        return Course(ARBITRATION, OPEN, f"{to} gave it back before")
    return Course(to, giving.arbitration)


def _of_bounce(giving: Giving, past: Past, to: str) -> Course:
    if giving.arbitration == OPEN:
        raise Problem(409, "The arbitration desk cannot give a case back; `referrals` gives it to a unit, finally.")
    if giving.arbitration == DECIDED:
        raise _decided()
    if past.bounced_by:
        return Course(ARBITRATION, OPEN, "it was given back before")
    if _own(to) == _own(giving.holder):
        raise Problem(422, "A bounce goes to another unit.", [FieldError("/to", "has the case")])
    because = f"the city has no unit {past.gone} any more" if past.gone and giving.to is None else None
    return Course(to, OPEN if to == ARBITRATION else None, because)


async def directed(case: Case, moves: Sequence[Move], *, caller: Caller, city: City, tx: Transaction) -> Sequence[Move]:
    """The same steps of a case whose row is locked, each referral to the unit that it may go to."""
    if all(asked.step is not Step.REFER for asked in moves):
        return moves
    past = Past.of([dict(row) for row in await tx.fetch(_STEPS, case.code)]).among(city.units, case.unit)
    bounce = any(asked.step is Step.BOUNCE for asked in moves)
    arbiter = caller.has(Role.SUPERVISOR) or caller.unit == ARBITRATION
    below = city.below.get(case.unit, frozenset())

    def direct(asked: Move) -> Move:
        found = course(Giving(case.unit, asked.unit, bounce, arbiter, below, case.arbitration), past)
        changed = {"arbitration": found.arbitration} if found.arbitration != case.arbitration else {}
        case.arbitration = found.arbitration
        detail = {**(asked.detail or {}), **changed, **({"because": found.because} if found.because else {})}
        return replace(asked, unit=found.unit, detail=detail or None)

    return [direct(asked) if asked.step is Step.REFER else asked for asked in moves]


def _decided() -> Problem:
    return Problem(409, "Arbitration has decided whose this case is; it goes to units under this one, or nowhere.")


def _own(unit: str) -> str:
    """The unit itself, of one that is on call for it."""
    return unit.removesuffix(ON_CALL)
