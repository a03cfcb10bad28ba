import json

import pytest
from routing.baseline import Baseline
from routing.incidents import matches
from workbench.simulator import normal_day, snow_night

from tests.replay import Replay, assert_found_early_and_alone, seen


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return Baseline.load()


@pytest.mark.parametrize("seed", range(2))
def test_a_snow_night_is_three_incidents_within_twenty_minutes_and_none_besides(baseline: Baseline, seed: int) -> None:
    assert_found_early_and_alone(Replay(baseline), snow_night(seed))


def test_a_restart_midway_changes_nothing(baseline: Baseline) -> None:
    messages = snow_night(1)
    whole = Replay(baseline).play(messages)
    halves = Replay(baseline).play(messages[:500]).stored().play(messages[500:])
    assert (halves.watches, halves.open, halves.opened) == (whole.watches, whole.open, whole.opened)
    assert json.loads(json.dumps(whole.open["TREE"].as_dict())) == whole.open["TREE"].as_dict()


def test_what_the_replay_counts_is_what_matches_says(baseline: Baseline) -> None:
    messages = snow_night(4)
    replay = Replay(baseline).play(messages, batch=50)
    for incident in replay.open.values():
        assert sum(matches(incident, seen(m)) for m in messages) == pytest.approx(incident.count, rel=0.15)


@pytest.mark.parametrize("seed", [11])
def test_an_ordinary_day_opens_none(baseline: Baseline, seed: int) -> None:
    assert Replay(baseline).play(normal_day(seed), batch=500).opened == []
