from routing.baseline import Baseline
from workbench.simulator import normal_day

from tests.replay import Replay


def test_twenty_ordinary_days_open_at_most_one_incident() -> None:
    baseline = Baseline.load()
    opened = [Replay(baseline).play(normal_day(seed), batch=500).opened for seed in range(20)]
    assert sum(map(len, opened)) <= 1
