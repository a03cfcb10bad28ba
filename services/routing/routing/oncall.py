"""Who acts now: the unit, or, while it is closed and the matter is urgent, the one on call. Values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from routing.calendars import DutyIn, HoursFile
from routing.hours import Hours, is_open
from routing.units import ON_CALL, TRIAGE, Unit


@dataclass(frozen=True, slots=True)
class Duty:
    """Who acts, and why."""

    unit: Unit
    because: str


@dataclass(frozen=True, slots=True)
class Post:
    """A unit with its working calendar and the unit on call for it."""

    unit: Unit
    hours: Hours
    on_call: Unit | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """Every unit's post; also the units on call, which stand under the unit that they are named after."""

    posts: Mapping[str, Post]

    @classmethod
    def of(cls, units: Mapping[str, Unit], file: HoursFile, calendars: Mapping[str, Hours]) -> Self:
        """Put the city's units on duty; ValueError for a calendar or a unit that does not exist."""
        if unknown := sorted(file.units.keys() - units.keys()):
            raise ValueError(f"hours.yaml: there are no units {', '.join(unknown)}")
        duties = {code: _duty(unit, file) for code, unit in units.items()}
        named = {duty.on_call for duty in duties.values() if duty.on_call} - units.keys()
        on_call = {code: _unit_on_call(code, units) for code in sorted(named)}
        posts = {code: _post(units[code], duty, {**units, **on_call}, calendars) for code, duty in duties.items()}
        return cls(posts | {code: Post(unit, _calendar("always", calendars)) for code, unit in on_call.items()})

    @property
    def units(self) -> Mapping[str, Unit]:
        """The city's units and those on call, by code."""
        return {code: post.unit for code, post in self.posts.items()}


def on_duty(unit: Unit, moment: datetime, *, urgent: bool, roster: Roster) -> Duty:
    """Who acts on a unit's case at a moment. The unit on call is always reachable; KeyError for an unknown unit."""
    post = roster.posts[unit.code]
    if is_open(post.hours, moment):
        return Duty(unit, f"{unit.code} is open ({post.hours.name})")
    if not urgent:
        return Duty(unit, f"{unit.code} is closed ({post.hours.name}), and this can wait until it opens")
    if post.on_call is None:
        return Duty(unit, f"{unit.code} is closed ({post.hours.name}), and nobody is on call for it")
    return Duty(post.on_call, f"{unit.code} is closed ({post.hours.name}); {post.on_call.code} is on call")


def escalates_to(unit: Unit, roster: Roster) -> Unit | None:
    """Who is told when a unit is late: its parent, else the HQ triage desk; None above that."""
    above = unit.parent or TRIAGE
    return None if above == unit.code else roster.posts[above].unit


def _duty(unit: Unit, file: HoursFile) -> DutyIn:
    """A unit's own line, else its level's, with the codes filled in."""
    found = file.units.get(unit.code) or file.levels.get(unit.level)
    if found is None:
        raise ValueError(f"hours.yaml: {unit.code} has no line, nor has its level {unit.level}")
    on_call = found.on_call and found.on_call.replace("{code}", unit.code).replace("{parent}", unit.parent or "")
    return found.model_copy(update={"on_call": on_call})


def _post(unit: Unit, duty: DutyIn, everyone: Mapping[str, Unit], calendars: Mapping[str, Hours]) -> Post:
    on_call = everyone[duty.on_call] if duty.on_call and duty.on_call != unit.code else None
    return Post(unit, _calendar(duty.hours, calendars), on_call)


def _unit_on_call(code: str, units: Mapping[str, Unit]) -> Unit:
    own = units.get(code.removesuffix(ON_CALL))
    if own is None or not code.endswith(ON_CALL):
        raise ValueError(f"hours.yaml: there is no unit {code} to be on call")
    return replace(own, code=code, title_fa=f"کشیک {own.title_fa}", parent=own.code)


def _calendar(name: str, calendars: Mapping[str, Hours]) -> Hours:
    if name not in calendars:
        raise ValueError(f"hours.yaml: there is no calendar {name!r}")
    return calendars[name]
