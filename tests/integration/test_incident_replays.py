import random
from collections import Counter
from datetime import timedelta

import pytest
from routing.baseline import Area, Baseline
from workbench.simulator import normal_day, snow_night, snow_onset, storm, storm_onset

from tests.replay import Replay, assert_found_early_and_alone

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return Baseline.load()


@pytest.mark.parametrize("seed", range(2, 20))
def test_a_snow_night_is_three_incidents_within_twenty_minutes_and_none_besides(baseline: Baseline, seed: int) -> None:
    assert_found_early_and_alone(Replay(baseline), snow_night(seed))


def test_twenty_ordinary_days_open_at_most_one_incident(baseline: Baseline) -> None:
    opened = [Replay(baseline).play(normal_day(seed), batch=500).opened for seed in range(20)]
    assert sum(map(len, opened)) <= 1


@pytest.mark.parametrize("seed", [0])
def test_five_days_of_storm_are_a_few_incidents_found_early(baseline: Baseline, seed: int) -> None:
    messages = storm(seed)
    replay = Replay(baseline).play(messages)
    first = {family: at - storm_onset() for family, at in reversed(replay.opened)}
    assert set(first) == {"FLOOD", "TREE", "US-GUTTER", "OR-HAZARD"}
    assert len(replay.opened) <= 12
    assert first["FLOOD"] <= timedelta(minutes=20)
    assert max(first.values()) <= timedelta(minutes=45)
    flood = [m for m in messages if m.topic == "US-FLOOD-STREET"]
    worst = Counter(Area(m.region, m.nahiye) for m in flood).most_common(1)[0][0]
    incident = next(one for one in [*replay.open.values(), *replay.closed] if one.family == "FLOOD")
    assert (incident.regions[0], incident.nahiye[0]) == (worst.region, worst)


@pytest.mark.parametrize("batch", [1, 500])
def test_batches_of_any_size_and_messages_in_any_order_give_the_same(baseline: Baseline, batch: int) -> None:
    messages = snow_night(2)
    dice = random.Random(batch)
    late = sorted(messages, key=lambda message: message.at + timedelta(seconds=dice.uniform(0, 240)))
    usual, other = Replay(baseline).play(messages, batch=25), Replay(baseline).play(late, batch=batch)
    assert sorted(family for family, _ in usual.opened) == sorted(family for family, _ in other.opened)
    for family, incident in usual.open.items():
        assert other.open[family].count == pytest.approx(incident.count, rel=0.03)
        assert abs(other.open[family].first_seen - incident.first_seen) <= 5 * MINUTE


def test_an_incident_closes_after_the_snow_and_a_new_fall_opens_another(baseline: Baseline) -> None:
    replay = Replay(baseline).play(snow_night(3))
    assert len(replay.open) == 3
    replay.tick(snow_onset() + timedelta(hours=15))
    assert len(replay.open) == 3
    replay.tick(snow_onset() + timedelta(hours=14 + 6.1))
    assert (len(replay.open), len(replay.closed)) == (0, 3)
    later = snow_onset().date() + timedelta(days=3)
    replay.play(snow_night(3, day=later)[:800], batch=25)
    assert len(replay.open) == 3
