from typing import Any

import pytest
from common.errors import Problem
from hypothesis import given
from hypothesis import strategies as st
from intake.limits import SLACK, Buckets, Limit, Limits, device_of
from intake.settings import Settings
from starlette.requests import Request

NOW = 5000.0
SETTINGS: Any = Settings.model_construct(None)


def limits() -> Limits:
    """As they are where nothing is set."""
    return Limits.of(SETTINGS)


def admitted(limits: Limits, count: int, *, citizen: str | None = None, device: bytes | None = None) -> int:
    """How many of so many requests in one moment get in."""
    taken = 0
    for _ in range(count):
        try:
            limits.admit(citizen, device, NOW)
        except Problem:
            return taken
        taken += 1
    return taken


@given(
    per_minute=st.floats(1, 6000),
    burst=st.integers(1, 50),
    steps=st.lists(st.floats(0, 5), max_size=200),
)
def test_in_any_time_no_more_get_in_than_the_limit_says(per_minute: float, burst: int, steps: list[float]) -> None:
    buckets, now, taken = Buckets(Limit(per_minute, burst)), NOW, []
    for step in steps:
        now += step
        if not buckets.wait("c", now):
            buckets.take("c", now)
            taken.append(now)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - start) * per_minute / 60 + 2 * SLACK


@given(per_minute=st.floats(1, 6000), burst=st.integers(1, 20), tries=st.integers(0, 40))
def test_who_waits_as_long_as_is_said_gets_in_and_a_refusal_costs_nothing(
    per_minute: float, burst: int, tries: int
) -> None:
    buckets = Buckets(Limit(per_minute, burst))
    for _ in range(burst):
        assert buckets.wait("c", NOW) == 0
        buckets.take("c", NOW)
    waits = {buckets.wait("c", NOW) for _ in range(tries + 1)}
    assert len(waits) == 1
    assert 0 < (wait := waits.pop()) <= 60 / per_minute + 1e-6
    assert buckets.wait("c", NOW + wait + 1e-6) == 0


def test_no_more_clients_are_remembered_than_fit_and_the_one_longest_unseen_goes_first() -> None:
    buckets = Buckets(Limit(1, 1), most=3)
    for client in ("a", "b", "c"):
        buckets.take(client, NOW)
    buckets.take("a", NOW + 60)
    buckets.take("d", NOW + 60)
    assert len(buckets) == 3
    assert [bool(buckets.wait(client, NOW)) for client in "abcd"] == [True, False, True, True]


def test_what_was_written_offline_for_a_week_gets_in_twice_in_one_moment() -> None:
    assert admitted(limits(), 2 * 50, citizen="c", device=b"d") == 100


def test_an_office_behind_one_address_and_a_campaign_day_trip_nothing() -> None:
    shared = limits()
    assert sum(admitted(shared, 20, citizen=f"c{n}", device=f"d{n}".encode()) for n in range(1000)) == 20_000
    for _ in range(20_000):
        shared.admit_to("app", NOW)


def test_one_citizen_who_floods_is_told_when_to_try_again_and_the_others_get_in() -> None:
    shared = limits()
    assert admitted(shared, 10_000, citizen="flood") == SETTINGS.citizen_burst
    with pytest.raises(Problem) as refused:
        shared.admit("flood", b"new", NOW)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
    assert admitted(shared, 10, citizen="another", device=b"new") == 10


def test_one_device_with_many_citizens_has_a_limit_of_its_own() -> None:
    shared = limits()
    counts = [admitted(shared, 10, citizen=f"c{n}", device=b"kiosk") for n in range(200)]
    assert sum(counts) == SETTINGS.device_burst
    assert counts[:50] == [10] * 50


def test_a_full_channel_leaves_the_others_their_place() -> None:
    shared = Limits(citizen=Limit(1, 1), device=Limit(1, 1), channel=Limit(60, 2))
    shared.admit_to("app", NOW)
    shared.admit_to("app", NOW)
    with pytest.raises(Problem) as refused:
        shared.admit_to("app", NOW)
    assert refused.value.status == 429
    shared.admit_to("phone", NOW)
    shared.admit_to("app", NOW + 1)


@pytest.mark.parametrize(("value", "device"), [(b"d-1", b"d-1"), (b"", None), (b"x" * 9000, b"x" * 128)])
def test_a_device_is_what_its_header_says_as_far_as_it_counts(value: bytes, device: bytes | None) -> None:
    assert device_of(Request({"type": "http", "headers": [(b"device-id", value)]})) == device


def test_without_a_header_there_is_no_device() -> None:
    assert device_of(Request({"type": "http", "headers": [(b"accept", b"*/*")]})) is None
