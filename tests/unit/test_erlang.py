"""Erlang C as `pyworkforce` has it; Erlang A against its own limits and a simulation."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.channels.phone.erlang import (
    EIGHTY_TWENTY,
    HALF_HOUR,
    NOBODY_OVER_180,
    Level,
    Offered,
    abandoned_share,
    agents_needed,
    answered_within,
    waiting_probability,
)

from tests.phone_simulation import Simulation, Town

FIGURES = list(csv.DictReader((Path(__file__).parent / "erlang_figures.csv").read_text().splitlines()))


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: f"{row['calls']}-{row['service']}-{row['seconds']}")
def test_erlang_c_is_that_of_pyworkforce(row: dict[str, str]) -> None:
    offered = Offered(float(row["calls"]) / HALF_HOUR, float(row["service"]))
    agents, level = int(row["agents"]), Level(float(row["share"]), float(row["seconds"]))
    assert waiting_probability(offered.load, agents) == pytest.approx(float(row["waiting"]))
    assert answered_within(offered, agents, level.seconds) == pytest.approx(float(row["level"]))
    # It looks from round(load + 1) on, and so misses a smaller number that would do.
    assert agents_needed(offered, level) == agents or round(offered.load + 1) == agents


@given(st.floats(0.01, 300), st.floats(20, 400))
def test_the_agents_needed_keep_the_promise_and_one_less_does_not(calls: float, service: float) -> None:
    offered = Offered(calls / HALF_HOUR, service)
    for level in (EIGHTY_TWENTY, NOBODY_OVER_180):
        agents = agents_needed(offered, level)
        assert answered_within(offered, agents, level.seconds) >= level.share
        assert agents == 1 or answered_within(offered, agents - 1, level.seconds) < level.share


@pytest.mark.parametrize("agents", [42, 45, 50])
def test_with_endless_patience_erlang_a_is_erlang_c(agents: int) -> None:
    patient, endless = Offered(1 / 3, 120, 1e9), Offered(1 / 3, 120)
    assert answered_within(patient, agents, 30) == pytest.approx(answered_within(endless, agents, 30), abs=1e-4)
    assert abandoned_share(patient, agents) < 1e-4
    assert abandoned_share(endless, agents) == 0


def test_who_gives_up_makes_room_for_the_others() -> None:
    storm = Offered(1247 / 3600, 120, 300)
    assert answered_within(storm, 40, 180) > 0.99
    assert answered_within(Offered(storm.calls_per_second, 120), 40, 180) == 0
    needed = [agents_needed(Offered(storm.calls_per_second, 120, p), EIGHTY_TWENTY) for p in (60, 300, None)]
    assert needed == sorted(needed)
    assert needed[0] < needed[2]


def test_where_nobody_calls_nobody_is_needed() -> None:
    assert agents_needed(Offered(0, 120), EIGHTY_TWENTY) == agents_needed(Offered(0, 120, 60), EIGHTY_TWENTY) == 0
    assert answered_within(Offered(0, 120, 60), 0, 1) == 1


def test_erlang_a_is_what_a_simulated_queue_does() -> None:
    town = Town(operators=40, service=130, spread=1.0, overflow=None)
    callers = Simulation(town, lambda _: 1247, 40 * 3600, seed=3).play().callers
    offered = Offered(1247 / 3600, town.service, town.patience)
    gave_up = sum(caller.gave_up is not None for caller in callers) / len(callers)
    assert gave_up == pytest.approx(abandoned_share(offered, town.operators), rel=0.1)
    over = [caller.estimated.seconds > 0 for caller in callers]
    assert sum(over) / len(over) == pytest.approx(1 - answered_within(offered, town.operators, 0), abs=0.05)


@given(st.integers(1, 600), st.floats(0.1, 700), st.floats(10, 2000), st.floats(0.1, 600))
def test_shares_are_shares(agents: int, load: float, patience: float, seconds: float) -> None:
    offered = Offered(load / 120, 120, patience)
    assert 0 <= answered_within(offered, agents, seconds) <= 1
    assert -1e-9 <= abandoned_share(offered, agents) <= 1 + 1e-9
    assert 0 <= waiting_probability(load, agents) <= 1 + 1e-9
