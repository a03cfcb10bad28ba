import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.channels.phone.estimate import Seen, estimate, patience, service_time

from tests.phone_simulation import Caller, Simulation, Town

TOWNS = {
    "as on a weekday": (Town(overflow=None), 1300),
    "long calls, no other way": (Town(service=180, overflow=None), 1247),
    "patient callers, no other way": (Town(patience=1200, overflow=None), 1300),
    "half the operators": (Town(operators=20, overflow=None), 700),
    "a few operators": (Town(operators=12, service=180, overflow=None), 300),
    "with other ways": (Town(service=180), 1247),
    "with other ways, patient": (Town(service=150, patience=1200), 1247),
}


@pytest.mark.parametrize("name", TOWNS)
def test_the_estimate_is_off_by_a_quarter_of_the_true_wait_at_most(name: str) -> None:
    town, calls = TOWNS[name]
    callers = Simulation(town, lambda _: calls, 8 * 3600, seed=7).play().callers
    waited = [c for c in callers if c.answered is not None and c.answered - c.joined > 60]
    assert len(waited) > 200
    assert _error(waited) <= 0.25
    assert 0.85 < sum(c.estimated.seconds for c in waited) / sum(_wait(c) for c in waited) < 1.15
    assert sum(_wait(c) <= c.estimated.at_most for c in waited) / len(waited) > 0.85


def _wait(caller: Caller) -> float:
    assert caller.wait is not None
    return caller.wait


def _error(waited: list[Caller]) -> float:
    return sum(abs(c.estimated.seconds - _wait(c)) for c in waited) / sum(_wait(c) for c in waited)


def test_a_free_agent_means_no_wait_and_no_agent_an_endless_one() -> None:
    assert estimate(Seen(ahead=0, agents=5, free=1)).seconds == 0
    assert estimate(Seen(ahead=3, agents=0)).seconds == math.inf


def test_behind_nobody_one_waits_for_the_first_who_ends() -> None:
    found = estimate(Seen(ahead=0, agents=40))
    assert found.seconds == pytest.approx(120 / 40, rel=0.02)
    assert found.at_most > found.seconds


@given(st.integers(0, 300), st.integers(1, 80), st.lists(st.floats(1, 900), max_size=50))
def test_more_ahead_wait_longer_and_more_agents_shorter(ahead: int, agents: int, services: list[float]) -> None:
    here = estimate(Seen(ahead, agents, services=services))
    assert estimate(Seen(ahead + 1, agents, services=services)).seconds > here.seconds
    assert estimate(Seen(ahead, agents + 1, services=services)).seconds < here.seconds
    assert here.seconds <= here.at_most < math.inf


def test_few_calls_change_what_is_usual_little() -> None:
    assert service_time([]) == 120
    assert service_time([600]) < 140
    assert service_time([200.0] * 200) > 185
    assert patience(0, 0) == 300
    assert patience(waits=200 * 60.0, gave_up=100) < 130


def test_nobody_is_taken_to_wait_for_days_because_none_was_told_to_give_up() -> None:
    assert patience(waits=300_000 * 60.0, gave_up=0) == 3600
