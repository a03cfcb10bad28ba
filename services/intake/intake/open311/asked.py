"""What a GET of requests asks for: filters and a page, checked, and the days that it spans."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from common.calendar import TEHRAN
from common.codes import parse_code
from starlette.datastructures import QueryParams

from intake.open311.refusals import Refused

Value = TypeVar("Value")
Reader = tuple[str, Callable[[str], Value]]  # what it must be, and what reads it or raises ValueError
SPAN = timedelta(days=90)
MOST = 1000  # requests of one answer
LONGEST = 40  # letters of an id or a code
DEEPEST = 100_000  # requests before a page; who wants more asks by dates
_YEARS = range(2000, 2101)
PARAMETERS = {
    "jurisdiction_id": "may be left out; there is one",
    "service_request_id": "ids, with commas between; then nothing else counts",
    "service_code": "codes, with commas between or given several times",
    "start_date": "requested then or later; with `end_date` at most 90 days",
    "end_date": "requested then or before",
    "status": "open, closed, or both with a comma between",
    "updated_after": "updated then or later",
    "updated_before": "updated then or before",
    "page": "from 1",
    "page_size": "at most 1000, which is also the default",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """As it was asked, so that the same question is the same value a second later."""

    codes: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    open: bool | None = None
    start: datetime | None = None
    end: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    offset: int = 0
    limit: int = MOST

    @property
    def by_update(self) -> bool:
        """Whether it is about what changed, however old it is."""
        return self.updated_after is not None or self.updated_before is not None

    def requested(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """From when to when it was requested; the last 90 days when nothing is said."""
        if self.by_update and self.start is None and self.end is None:
            return None, None
        return _spanned(self.start, self.end, now)

    def updated(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """From when to when it was updated."""
        return _spanned(self.updated_after, self.updated_before, now) if self.by_update else (None, None)


def asked_of(query: QueryParams) -> Asked:
    """The question in a query; Refused names everything that does not fit. What is empty is not given."""
    if (codes := _codes(query)) is not None:
        return Asked(codes=codes)
    found: dict[str, str] = {}
    moments = {name: _read(query, name, found, _MOMENT) for name in _MOMENTS}
    for earliest, latest in (("start_date", "end_date"), ("updated_after", "updated_before")):
        _check_span(moments, earliest, latest, found)
    limit = min(_read(query, "page_size", found, _NUMBER) or MOST, MOST)
    offset = ((_read(query, "page", found, _NUMBER) or 1) - 1) * limit
    if offset > DEEPEST:
        found["page"] = f"at most {DEEPEST} requests may stand before it; ask for fewer days"
    topics, status = _several(query, "service_code"), _status(query, found)
    if found:
        raise Refused(400, [f"{name}: {reason}." for name, reason in found.items()])
    return Asked(
        topics=topics,
        open=status,
        start=moments["start_date"],
        end=moments["end_date"],
        updated_after=moments["updated_after"],
        updated_before=moments["updated_before"],
        offset=offset,
        limit=limit,
    )


def _spanned(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
    if start is None:
        return (end or now) - SPAN, end
    return start, end or start + SPAN


def _several(query: QueryParams, name: str) -> tuple[str, ...] | None:
    given = [word.strip() for value in query.getlist(name) for word in value.split(",")]
    several = tuple(dict.fromkeys(word for word in given if word))
    return tuple(word for word in several if len(word) <= LONGEST)[:MOST] if several else None


def _codes(query: QueryParams) -> tuple[str, ...] | None:
    """Ids; one that can be nobody's is left out."""
    ids = _several(query, "service_request_id")
    if ids is None:
        return None
    return tuple(code for text in ids if (code := parse_code(text)) is not None)


def _status(query: QueryParams, found: dict[str, str]) -> bool | None:
    wanted = set(_several(query, "status") or ())
    if not wanted <= {"open", "closed"}:
        found["status"] = "open or closed"
    return "open" in wanted if len(wanted) == 1 else None


def _whole(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise ValueError(text)
    return number


def w3_time(text: str) -> datetime:
    """A time, UTC; without an offset it is Tehran's. ValueError for what is none of this century."""
    text = text.strip()
    moment = datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+"))  # a bare + in an address is a space
    if moment.year not in _YEARS:
        raise ValueError(text)
    return moment.replace(tzinfo=moment.tzinfo or TEHRAN).astimezone(UTC)


_MOMENTS = ("start_date", "end_date", "updated_after", "updated_before")
_NUMBER: Reader[int] = ("a number from 1", _whole)
_MOMENT: Reader[datetime] = ("a time like 2026-01-31T08:00:00Z", w3_time)


def _read(query: QueryParams, name: str, found: dict[str, str], how: Reader[Value]) -> Value | None:
    words, read = how
    text = query.get(name)
    try:
        return read(text) if text else None
    except ValueError:
        found[name] = words
        return None


def _check_span(moments: Mapping[str, datetime | None], earliest: str, latest: str, found: dict[str, str]) -> None:
    start, end = moments[earliest], moments[latest]
    if start is None or end is None:
        return
    if end < start:
        found[latest] = f"before {earliest}"
    elif end - start > SPAN:
        found[latest] = f"more than 90 days after {earliest}"


def routing_query(asked: Asked, now: datetime) -> Mapping[str, str | int]:
    """The same question as routing's list takes it, but for the page."""
    moments = dict(
        zip(
            ("since", "until", "updated_since", "updated_until"),
            (*asked.requested(now), *asked.updated(now)),
            strict=True,
        )
    )
    query: dict[str, str | int] = {name: moment.isoformat() for name, moment in moments.items() if moment is not None}
    if asked.topics is not None:
        query["topics"] = ",".join(asked.topics)
    if asked.open is not None:
        query["open"] = str(asked.open).lower()
    return query
