"""Working calendars: when a unit is open, and the arithmetic of its working time. Values in, values out.

Days are counted from a Saturday, so that `day % 7` is the weekday of the Iranian week; inside a day, time is
whole microseconds from midnight in Tehran, so that sums are exact. Iran has had no daylight saving since 1401.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from common.calendar import TEHRAN, jalali

MINUTE = 60_000_000  # microseconds
DAY = 24 * 60 * MINUTE
WEEKDAYS = ("saturday", "sunday", "monday", "tuesday", "wednesday", "thursday", "friday")
LONGEST = 3_660  # days that a sum may run over; a calendar with a longer way is a mistake in the data
_ORIGIN = datetime(2000, 1, 1, tzinfo=TEHRAN)  # a Saturday
_ORIGIN_ORDINAL = _ORIGIN.toordinal()
_MICROSECOND = timedelta(microseconds=1)

Span = tuple[int, int]  # opens, closes, in microseconds from midnight; a night shift closes past DAY
Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """Days of every Jalali year (`01-01` to `01-13`, both included, also across a year's end) with other hours."""

    name: str
    first: str
    last: str
    spans: Spans

    def holds(self, month_day: str) -> bool:
        """Whether a day, written `01-13`, is one of them."""
        if self.first <= self.last:
            return self.first <= month_day <= self.last
        return month_day >= self.first or month_day <= self.last


@dataclass(frozen=True)
class Hours:
    """A named working calendar.

    `week` is seven days from Saturday. A day on which the week is closed stays closed; on any other a holiday's
    hours come first (None: holidays are as other days), then those of a period, then the week's. A night shift
    belongs to the day on which it began, as in the shifts: that of Thursday runs into Friday.
    """

    name: str
    week: tuple[Spans, ...]
    holiday: Spans | None = None
    holidays: frozenset[int] = frozenset()  # of `day_number`
    periods: tuple[Period, ...] = ()
    _days: dict[int, tuple[int, Spans]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """ValueError for a week that is not seven days, or is never open."""
        if len(self.week) != len(WEEKDAYS) or not any(self.week):
            raise ValueError(f"calendar {self.name}: a week has seven days and is open on one at least")

    @property
    def usual_day(self) -> int:
        """Minutes of the longest day of the week: what one working day means here."""
        return max(sum(closes - opens for opens, closes in spans) for spans in self.week) // MINUTE

    def day(self, number: int) -> tuple[int, Spans]:
        """Open microseconds of a day, and its spans within that day, joined and in order. Remembered."""
        known = self._days.get(number)
        if known is None:
            known = self._days[number] = self._compiled(number)
        return known

    def _compiled(self, number: int) -> tuple[int, Spans]:
        night = [(max(0, opens - DAY), closes - DAY) for opens, closes in self._begins(number - 1) if closes > DAY]
        spans = _joined([*night, *((opens, min(closes, DAY)) for opens, closes in self._begins(number) if opens < DAY)])
        return sum(closes - opens for opens, closes in spans), spans

    def _begins(self, number: int) -> Spans:
        """The spans that begin on a day."""
        usual = self.week[number % 7]
        if not usual:
            return usual
        if self.holiday is not None and number in self.holidays:
            return self.holiday
        month_day = jalali(date.fromordinal(number + _ORIGIN_ORDINAL))[5:] if self.periods else ""
        return next((period.spans for period in self.periods if period.holds(month_day)), usual)


def day_number(day: date) -> int:
    """How a calendar counts days: 0 is 2000-01-01, a Saturday."""
    return day.toordinal() - _ORIGIN_ORDINAL


def is_open(hours: Hours, moment: datetime) -> bool:
    """Whether a moment is working time; the second of closing is not."""
    number, at = _split(moment)
    return any(opens <= at < closes for opens, closes in hours.day(number)[1])


def add_working(hours: Hours, start: datetime, minutes: int) -> datetime:
    """The first moment, UTC, at which so many minutes of working time have passed since `start`."""
    return advance(hours, start, timedelta(minutes=minutes))


def working_between(hours: Hours, a: datetime, b: datetime) -> float:
    """Seconds of working time from `a` to `b`; 0 when `b` is not later."""
    return worked(hours, a, b).total_seconds()


def advance(hours: Hours, start: datetime, time: timedelta) -> datetime:
    """The first moment, UTC, at which so much working time has passed since `start`: `start` itself for none.

    ValueError for a negative time, and for more than fits into LONGEST days.
    """
    if time <= timedelta(0):
        return _unless_negative(start, time)
    first, at = _split(start)
    left = time // _MICROSECOND + _open_before(hours.day(first)[1], at)
    for number in range(first, first + LONGEST):
        total, spans = hours.day(number)
        if left <= total:
            return _moment(number, _after(spans, left))
        left -= total
    raise ValueError(f"calendar {hours.name}: {time} of working time do not fit into {LONGEST} days")


def worked(hours: Hours, a: datetime, b: datetime) -> timedelta:
    """Working time from `a` to `b`; none when `b` is not later."""
    if b <= a:
        return timedelta(0)
    (first, begin), (last, end) = _split(a), _split(b)
    whole = sum(hours.day(number)[0] for number in range(first, last))
    edges = _open_before(hours.day(last)[1], end) - _open_before(hours.day(first)[1], begin)
    return timedelta(microseconds=whole + edges)


def _unless_negative(start: datetime, time: timedelta) -> datetime:
    if time < timedelta(0):
        raise ValueError("working time is added, never taken away")
    return start.astimezone(UTC)


def _joined(spans: Iterable[Span]) -> Spans:
    """In order, those that touch or overlap made one: a night may run into the day's own hours."""
    joined: list[Span] = []
    for opens, closes in sorted(spans):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return tuple(joined)


def _split(moment: datetime) -> tuple[int, int]:
    """Day and microseconds from its midnight, in Tehran."""
    since = moment - _ORIGIN
    return since.days, since.seconds * 1_000_000 + since.microseconds


def _moment(number: int, at: int) -> datetime:
    return (_ORIGIN + timedelta(days=number, microseconds=at)).astimezone(UTC)


def _open_before(spans: Spans, at: int) -> int:
    """Open microseconds of a day before a time of it."""
    return sum(min(closes, at) - opens for opens, closes in spans if opens < at)


def _after(spans: Spans, left: int) -> int:
    """When in its day so many open microseconds have passed; they fit."""
    for opens, closes in spans:
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    raise AssertionError("the caller has looked that they fit")
