import pytest
from hypothesis import given
from hypothesis import strategies as st
from notify.courier import LONGEST_PAUSE, PATIENT, probe_pause
from notify.limits import MOST_CHATS, Bucket, Limits, Pace

TELEGRAM = Limits(overall=30, overall_burst=30, chat=1, chat_burst=1)


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bucket = Bucket.full(2.0, 3, now=0.0)
    assert [bucket.take(0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert bucket.take(10.0) == 0.0


def test_a_chat_waits_its_second_and_another_does_not() -> None:
    pace = Pace(TELEGRAM, 0.0)
    assert pace.take("a", 0.0) == 0.0
    assert pace.take("a", 0.25) == pytest.approx(0.75)
    assert pace.take("b", 0.25) == 0.0


def test_thirty_go_in_a_second_and_the_next_must_wait() -> None:
    pace = Pace(TELEGRAM, 0.0)
    for chat in range(30):
        assert pace.room(0.0) == 30 - chat
        pace.take(str(chat), 0.0)
    assert pace.room(0.0) == 0
    assert pace.wait(0.0) == pytest.approx(1 / 30)
    assert pace.room(0.5) == 15


def test_while_the_platform_wants_to_be_left_alone_there_is_no_room() -> None:
    pace = Pace(TELEGRAM, 0.0)
    pace.hold(7, 1.0)
    pace.hold(2, 1.0)
    assert pace.room(7.9) == 0
    assert pace.wait(2.0) == pytest.approx(6.0)
    assert pace.room(8.0) == 30


def test_a_replica_uses_its_share_but_can_always_send_one() -> None:
    assert TELEGRAM.scaled(0.5) == Limits(overall=15, overall_burst=15, chat=1, chat_burst=1)
    assert TELEGRAM.scaled(0.01).overall_burst == 1


def test_chats_that_were_not_heard_of_for_long_are_forgotten() -> None:
    pace = Pace(Limits(1e6, 1e6, 1, 1), 0.0)
    pace.take("first", 0.0)
    for chat in range(MOST_CHATS):
        pace.take(str(chat), 0.0)
    assert pace.take("first", 0.0) == 0.0
    assert pace.take(str(MOST_CHATS - 1), 0.0) > 0.0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 4)), min_size=1, max_size=120))
def test_whoever_waits_as_told_never_breaks_a_limit(steps: list[tuple[float, int]]) -> None:
    limits = Limits(overall=5, overall_burst=5, chat=1, chat_burst=2)
    pace, now = Pace(limits, 0.0), 0.0
    sent: list[tuple[float, int]] = []
    for pause, chat in steps:
        now += pause
        sent.append((now + pace.take(str(chat), now), chat))
    for start, _ in sent:
        in_window = [(at, chat) for at, chat in sent if start - 1e-6 <= at < start + 1 - 1e-6]
        assert len(in_window) <= 10  # a burst and a second's rate
        for chat in range(5):
            assert sum(of == chat for _, of in in_window) <= 3


def test_a_platform_that_is_away_for_days_is_probed_every_quarter_of_a_minute() -> None:
    assert [probe_pause(PATIENT + more) for more in range(6)] == [1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE]
    assert probe_pause(100_000) == LONGEST_PAUSE
