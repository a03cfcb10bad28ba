from collections import Counter
from datetime import UTC, datetime, time, timedelta

from common.calendar import TEHRAN, ShiftName
from hypothesis import given
from hypothesis import strategies as st
from intake.channels.phone.scheduling import SLOT, Working, next_try, plan, slot_of

TEN = datetime(2026, 11, 24, 10, tzinfo=TEHRAN)
WORKING = Working({ShiftName.MORNING: 40, ShiftName.NOON: 20, ShiftName.NIGHT: 8}, share=0.1, service_seconds=120)


def test_a_half_hour_takes_its_share_of_the_operators_time() -> None:
    assert WORKING.capacity(slot_of(TEN)) == 54  # 4 of 40, 15 calls each, nine in ten of them promised
    assert WORKING.capacity(slot_of(TEN + timedelta(hours=6))) == 27
    assert WORKING.capacity(slot_of(TEN + timedelta(hours=13))) == 0  # 23:00, nobody is rung up


def test_a_caller_is_called_back_when_their_turn_would_have_come() -> None:
    after = TEN + timedelta(seconds=400)
    assert plan(after, {}, WORKING) == after


def test_promises_are_spread_over_the_half_hour_in_order() -> None:
    slot = slot_of(TEN)
    assert plan(TEN, {slot: 27}, WORKING) == TEN + timedelta(minutes=15)
    assert plan(TEN, {slot: 54}, WORKING) == TEN + SLOT


def test_where_nobody_works_nothing_is_promised() -> None:
    assert plan(TEN, {}, Working({}, share=0.1, service_seconds=120)) is None


def test_the_evening_is_called_back_in_the_morning() -> None:
    late = datetime(2026, 11, 24, 22, 10, tzinfo=TEHRAN)
    assert plan(late, {}, WORKING) == datetime(2026, 11, 25, 8, tzinfo=TEHRAN)
    assert next_try(late, timedelta(minutes=15), WORKING) == datetime(2026, 11, 25, 8, tzinfo=TEHRAN)
    assert next_try(TEN, timedelta(minutes=15), WORKING) == TEN + timedelta(minutes=15)


def test_nobody_may_be_rung_up_at_no_hour_and_it_still_ends() -> None:
    never = Working({ShiftName.MORNING: 1}, 1, 60, opens=time(12), closes=time(12))
    assert next_try(TEN, timedelta(minutes=1), never) == TEN + timedelta(minutes=1)


@given(st.lists(st.integers(0, 6 * 3600), max_size=150), st.integers(1, 30))
def test_no_half_hour_is_promised_more_than_it_holds(seconds: list[int], operators: int) -> None:
    working = Working(dict.fromkeys(ShiftName, operators), share=0.2, service_seconds=120)
    planned: Counter[datetime] = Counter()
    for second in seconds:
        after = TEN.astimezone(UTC) + timedelta(seconds=second)
        at = plan(after, planned, working)
        assert at is None or at >= after
        if at is not None:
            planned[slot_of(at)] += 1
            assert working.open_at(at)
    assert all(count <= working.capacity(slot) for slot, count in planned.items())
