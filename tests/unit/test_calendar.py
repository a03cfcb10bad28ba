from datetime import UTC, date, datetime

import pytest
from common.calendar import Shift, ShiftName, jalali, jalali_moment, parse_date, shift_of


@pytest.mark.parametrize(
    ("utc", "day", "name"),
    [
        ("2026-11-24T03:29:59", "2026-11-23", ShiftName.NIGHT),
        ("2026-11-24T03:30:00", "2026-11-24", ShiftName.MORNING),
        ("2026-11-24T11:30:00", "2026-11-24", ShiftName.NOON),
        ("2026-11-24T19:30:00", "2026-11-24", ShiftName.NIGHT),
        ("2026-11-24T23:00:00", "2026-11-24", ShiftName.NIGHT),
    ],
)
def test_the_night_belongs_to_the_day_on_which_it_began(utc: str, day: str, name: ShiftName) -> None:
    shift = shift_of(datetime.fromisoformat(utc).replace(tzinfo=UTC))
    assert shift == Shift(date.fromisoformat(day), name)
    assert shift.start <= datetime.fromisoformat(utc).replace(tzinfo=UTC) < shift.end


def test_a_date_is_read_in_both_calendars() -> None:
    assert parse_date("2026-11-24") == parse_date("1405-09-03") == parse_date("۱۴۰۵/۹/۳") == date(2026, 11, 24)
    assert jalali(date(2026, 11, 24)) == "1405-09-03"
    assert jalali_moment(datetime(2026, 11, 24, 10, 35, tzinfo=UTC)) == "۱۴۰۵/۰۹/۰۳ ۱۴:۰۵"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1405-13-01", "2026-11", "1405-09-31"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_date(text)
