"""An independent, slow reckoning of working time: by the minute, at the edges by the second."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import jdatetime

Plan = Callable[[date], list[tuple[int, int]]]  # minutes from midnight; past 1440 in the next day


class Stepper:
    """What a plan of each day says, by stepping."""

    def __init__(self, plan: Plan) -> None:
        self._minutes = lru_cache(None)(lambda day: self._of_day(plan, day))

    def open_at(self, moment: datetime) -> bool:
        local = moment.astimezone(UTC) + timedelta(hours=3, minutes=30)
        return local.hour * 60 + local.minute in self._minutes(local.date())

    def add(self, start: datetime, seconds: int, pause: tuple[datetime, datetime] | None = None) -> datetime:
        """When so many open seconds have passed, those within the pause left out."""
        at, left = start, seconds
        while left > 0:
            step = 60 if at.second == 0 and left >= 60 else 1
            if pause is not None and pause[0] <= at < pause[1]:
                at += timedelta(seconds=1) if at.second else min(timedelta(minutes=1), pause[1] - at)
                continue
            if pause is not None and at < pause[0] < at + timedelta(seconds=step):
                step = 1
            left -= step if self.open_at(at) else 0
            at += timedelta(seconds=step)
        return at

    def between(self, a: datetime, b: datetime) -> int:
        seconds = 0
        while a < b:
            step = 60 if a.second == 0 and b - a >= timedelta(minutes=1) else 1
            seconds += step if self.open_at(a) else 0
            a += timedelta(seconds=step)
        return seconds

    @staticmethod
    def _of_day(plan: Plan, day: date) -> frozenset[int]:
        yesterday = {
            minute - 1440 for opens, closes in plan(day - timedelta(days=1)) for minute in range(opens, closes)
        }
        today = {minute for opens, closes in plan(day) for minute in range(opens, closes)}
        return frozenset(minute for minute in yesterday | today if 0 <= minute < 1440)


def sample_office(holidays: frozenset[date]) -> Plan:
    """The sample calendar `office`, written out by hand."""

    def plan(day: date) -> list[tuple[int, int]]:
        name = day.strftime("%A")
        solar = jdatetime.date.fromgregorian(date=day)
        if name == "Friday" or day in holidays:
            return []
        if solar.month == 1 and solar.day <= 13:
            return [(8 * 60, 12 * 60)]
        return [(450, 750)] if name == "Thursday" else [(450, 870)]

    return plan


def sample_nahiye(holidays: frozenset[date]) -> Plan:
    """The sample calendar `nahiye`, written out by hand."""

    def plan(day: date) -> list[tuple[int, int]]:
        solar = jdatetime.date.fromgregorian(date=day)
        short = day in holidays or (solar.month == 1 and solar.day <= 13)
        return [(8 * 60, 14 * 60)] if short else [(7 * 60, 21 * 60)]

    return plan


def sample_night(_: frozenset[date]) -> Plan:
    """The sample calendar `night`, written out by hand."""
    return lambda day: [(23 * 60, 31 * 60)]


SAMPLES = {"office": sample_office, "nahiye": sample_nahiye, "night": sample_night}
