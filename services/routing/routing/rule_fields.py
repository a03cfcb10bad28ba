"""The fields of a rule as its text writes them, each checked against what the city has (`context`: Known)."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Self, TypeVar

from common.calendar import ShiftName, parse_date
from common.events import Channel, Kind
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from routing.rules import TEMPLATES, Known, Rule, When
from routing.sla import CountedBy, Terms

NOT_KNOWN = "none"  # among topics or regions: those of which it is not known
YEARS = range(2000, 2200)  # of a period; what is written before 1700 is a Jalali year
_NAHIYE = re.compile(r"([0-9]{1,3})-([0-9]{1,3})")
_ZWNJ = "\u200c"  # belongs into Persian names
Value = TypeVar("Value")


def _topic(code: str | None, info: ValidationInfo) -> str | None:
    if code == NOT_KNOWN:
        return None
    if _lacks(info, "topics", code):
        raise ValueError(f"unknown topic {code}")
    return code


def _group(name: str, info: ValidationInfo) -> str:
    if _lacks(info, "groups", name):
        raise ValueError(f"unknown group {name}; there are {', '.join(sorted(_known(info).groups))}")
    return name


def _region(number: int | None, info: ValidationInfo) -> int | None:
    if number is not None and _lacks(info, "regions", number):
        raise ValueError(f"unknown region {number}")
    return number


def _nahiye(text: Any, info: ValidationInfo) -> tuple[int, int]:
    found = _NAHIYE.fullmatch(str(text).strip())
    if found is None:
        raise ValueError("write a nahiye with its region: 5-2")
    nahiye = int(found[1]), int(found[2])
    if _lacks(info, "nahiye", nahiye):
        raise ValueError(f"unknown nahiye {text}")
    return nahiye


def _unit(code: str, info: ValidationInfo) -> str:
    if "{" in code and code not in TEMPLATES:
        raise ValueError(f"unknown template {code}; there are {', '.join(TEMPLATES)}")
    if code not in TEMPLATES and _lacks(info, "units", code):
        raise ValueError(f"unknown unit {code}")
    return code


def _day(text: Any) -> date:
    try:
        day = parse_date(str(text).strip())
    except OverflowError as error:
        raise ValueError("a day is written 1405-09-03 or 2026-11-24") from error
    if day.year not in YEARS:
        raise ValueError(f"a day lies in the years {YEARS.start} to {YEARS.stop - 1}")
    return day


def _printable(text: str) -> str:
    if not all(one.isprintable() or one == _ZWNJ for one in text):
        raise ValueError("it holds a character that cannot be printed; it is one line")
    return text


def _known(info: ValidationInfo) -> Known:
    known = info.context
    if not isinstance(known, Known):
        raise TypeError("rules are read in the context of what the city has")
    return known


def _lacks(info: ValidationInfo, kind: str, value: object) -> bool:
    known = _known(info)
    return not known.former and value not in getattr(known, kind)


def _not_known(value: Any) -> Any:
    return None if value == NOT_KNOWN else value


TopicIn = Annotated[str | None, AfterValidator(_topic)]
GroupIn = Annotated[str, AfterValidator(_group)]
RegionIn = Annotated[int | None, BeforeValidator(_not_known), AfterValidator(_region)]
NahiyeIn = Annotated[tuple[int, int], BeforeValidator(_nahiye)]
UnitIn = Annotated[str, AfterValidator(_unit)]
DayIn = Annotated[date, BeforeValidator(_day)]
LineIn = Annotated[str, AfterValidator(_printable), Field(min_length=1, max_length=300)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class WhenIn(_Part):
    """What a rule asks for."""

    topics: list[TopicIn] | None = Field(default=None, min_length=1)
    groups: list[GroupIn] | None = Field(default=None, min_length=1)
    regions: list[RegionIn] | None = Field(default=None, min_length=1)
    nahiye: list[NahiyeIn] | None = Field(default=None, min_length=1)
    kinds: list[Kind] | None = Field(default=None, min_length=1)
    channels: list[Channel] | None = Field(default=None, min_length=1)
    urgent: bool | None = None
    shifts: list[ShiftName] | None = Field(default=None, min_length=1)
    holiday: bool | None = None
    first: DayIn | None = Field(default=None, alias="from")
    last: DayIn | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first and self.last and self.last < self.first:
            raise ValueError("the period is over before it begins")
        return self

    def when(self) -> When:
        """As the conditions of a rule."""
        return When(
            topics=_set(self.topics),
            groups=_set(self.groups),
            regions=_set(self.regions),
            nahiye=_set(self.nahiye),
            kinds=_set(self.kinds),
            channels=_set(self.channels),
            urgent=self.urgent,
            shifts=_set(self.shifts),
            holiday=self.holiday,
            first=self.first,
            last=self.last,
        )


class TermsIn(_Part):
    """Minutes, of the clock or of the unit's working time."""

    respond: int
    resolve: int
    by: CountedBy

    @model_validator(mode="after")
    def _kept(self) -> Self:
        self.terms()
        return self

    def terms(self) -> Terms:
        """As the terms of a case; ValueError for what cannot be kept."""
        return Terms(self.respond, self.resolve, self.by)


class ThenIn(_Part):
    """What a rule says."""

    unit: UnitIn
    urgent: bool | None = None
    deadline: TermsIn | None = None


class RuleIn(_Part):
    """One rule."""

    name: LineIn
    note: LineIn | None = None
    when: WhenIn = WhenIn()
    then: ThenIn

    def rule(self) -> Rule:
        """As a value."""
        then = self.then
        deadline = then.deadline.terms() if then.deadline else None
        return Rule(self.name, then.unit, self.when.when(), then.urgent, deadline, self.note)


def _set(values: Iterable[Value] | None) -> frozenset[Value] | None:
    return None if values is None else frozenset(values)
