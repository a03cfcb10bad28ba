from datetime import UTC, datetime, time, timedelta

import pytest
from common.calendar import ShiftName
from common.persian import Phone
from common.sealed import Sealer
from intake.channels.phone.estimate import Estimate
from intake.channels.phone.overflow import offer
from intake.channels.phone.overflow_schemas import Choice
from intake.channels.phone.scheduling import Working
from intake.channels.phone.ways import Ways

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
MOBILE, LANDLINE = Phone("+989121234567", mobile=True), Phone("+982188776655", mobile=False)
LONG, SHORT = Estimate(170, 200), Estimate(140, 175)
WAIT, CALLBACK, LINK = Choice.WAIT, Choice.CALLBACK, Choice.LINK


def ways(*links: str) -> Ways:
    working = Working({ShiftName.MORNING: 40}, 0.1, 120, time.min, time.max)
    minute = timedelta(minutes=1)
    patterns = {name: f"{name}/{{call}}" for name in links}
    return Ways(180, patterns, working, pause=minute, lease=minute, keep=minute, sealer=Sealer("k", {}, b""))


@pytest.mark.parametrize(
    ("expected", "number", "callback_at", "links", "options"),
    [
        (SHORT, MOBILE, AT, ("bot",), [WAIT]),
        (LONG, MOBILE, AT, ("bot",), [WAIT, CALLBACK, LINK]),
        (LONG, MOBILE, AT, (), [WAIT, CALLBACK]),
        (LONG, MOBILE, None, ("app",), [WAIT, LINK]),
        (LONG, LANDLINE, AT, ("bot",), [WAIT, CALLBACK]),
        (LONG, None, AT, ("bot",), [WAIT]),
    ],
)
def test_a_caller_is_offered_what_can_be_kept(
    expected: Estimate,
    number: Phone | None,
    callback_at: datetime | None,
    links: tuple[str, ...],
    options: list[Choice],
) -> None:
    made = offer(expected, number, callback_at, ways(*links))
    assert made.options == options
    assert made.callback_at == (callback_at if CALLBACK in options else None)
