import math
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from common.calendar import TEHRAN
from routing.baseline import Area, Baseline, Flow
from routing.city import City
from routing.incidents import Known, Sighting, close, close_if_calm, fold, group, matches
from routing.surge import PSIS, THETAS, Watch, observe, threshold
from workbench.simulator import topic_shares

NIGHT = datetime(2026, 1, 20, 18, tzinfo=TEHRAN)
MINUTE = timedelta(minutes=1)
_SPLIT = {
    "urban-services": 80.8,
    "urban-planning": 8.9,
    "technical-civil": 6.7,
    "transport-traffic": 3.4,
    "social": 0.2,
}


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return Baseline.load()


def test_the_baseline_has_every_topic_and_the_split_of_the_deputies(baseline: Baseline) -> None:
    city = City.load()
    by_deputy: dict[str, float] = defaultdict(float)
    for topic, percent in topic_shares().items():
        by_deputy[city.topics[topic].deputy] += percent
    known = {deputy: percent for deputy, percent in by_deputy.items() if deputy in _SPLIT}
    assert set(topic_shares()) == set(city.topics)
    for deputy, percent in known.items():
        assert 100 * percent / sum(known.values()) == pytest.approx(_SPLIT[deputy], abs=0.1)
    assert sum(baseline.regions.values()) == pytest.approx(1)
    assert sum(baseline.week) == pytest.approx(7, rel=0.01)


@pytest.mark.parametrize(("theta", "psi"), list(zip(THETAS, PSIS, strict=True)))
def test_the_compensator_makes_clusters_of_reports_a_fair_game(theta: float, psi: float) -> None:
    clusters = sum(0.88 * 0.12 ** (k - 1) * theta**k for k in range(1, 200))
    assert psi == pytest.approx((clusters - 1) / (1 / 0.88), rel=1e-6)


def test_evidence_grows_no_faster_than_time_while_all_is_ordinary(baseline: Baseline) -> None:
    flow = Flow("US-WASTE-COLLECT", Area(4))
    expected = baseline.expected(flow)
    dice = random.Random(5)
    rises = 0
    for _ in range(200):
        watch = observe(
            Watch.fresh(NIGHT, expected), _ordinary(expected.rate, dice), expected, NIGHT + 24 * 60 * MINUTE
        )
        rises += watch.peak >= threshold(1, 0.1)
    assert rises <= 200 * 0.1


def _ordinary(rate: Callable[[int], float], dice: random.Random) -> list[datetime]:
    epoch = int((NIGHT.timestamp() / 3600) + 3.5)
    moments: list[datetime] = []
    for hour in range(24):
        at = dice.expovariate(rate(epoch + hour) * 0.88)
        while at < 1:
            again = 1
            while dice.random() < 0.12:
                again += 1
            moments += [NIGHT + timedelta(hours=hour + at)] * again
            at += dice.expovariate(rate(epoch + hour) * 0.88)
    return moments


def _burst(topic: str, region: int, nahiye: int | None, count: int, start: datetime = NIGHT) -> list[Sighting]:
    return [Sighting(start + n * MINUTE, topic, region, nahiye) for n in range(count)]


def _folded(baseline: Baseline, *bursts: list[Sighting], known: Known | None = None) -> Known:
    sightings = [one for burst in bursts for one in burst]
    moments = group(sightings, baseline)
    now = max(one.at for one in sightings)
    return fold(known or Known(), moments, baseline, now=now)


def test_neighbours_with_one_pothole_are_no_incident_and_a_burst_pipe_of_fifteen_reports_is(baseline: Baseline) -> None:
    assert not _folded(baseline, _burst("TC-POTHOLE", 6, 2, 7)).incidents
    assert list(_folded(baseline, _burst("GS-PIPE-BURST", 6, 2, 15)).incidents) == ["GS-PIPE-BURST"]


def test_a_rise_elsewhere_grows_the_extent_instead_of_a_second_incident(baseline: Baseline) -> None:
    first = _folded(baseline, _burst("US-SNOW", 1, 3, 30))
    elsewhere = _burst("US-SNOW", 2, None, 8, NIGHT + 40 * MINUTE)
    grown = _folded(baseline, elsewhere, known=first).incidents["US-SNOW"]
    assert first.incidents["US-SNOW"].regions == (1,)
    assert grown.regions == (1, 2)
    assert grown.nahiye == (Area(1, 3),)
    assert (grown.count, grown.first_seen) == (38, NIGHT)
    assert grown.growth(NIGHT + 47 * MINUTE) == pytest.approx(7.4, abs=0.1)
    assert grown.growth(NIGHT + 107 * MINUTE) < 0.1


def test_a_message_joins_by_family_extent_and_time_while_it_is_open(baseline: Baseline) -> None:
    incident = _folded(baseline, _burst("US-FLOOD-STREET", 4, 2, 30)).incidents["FLOOD"]
    inside = Sighting(NIGHT + 40 * MINUTE, "US-FLOOD-BUILDING", 4, 5)
    assert matches(incident, inside)
    assert not matches(incident, inside._replace(topic="US-SNOW"))
    assert not matches(incident, inside._replace(region=5))
    assert not matches(incident, inside._replace(region=None, nahiye=None))
    assert not matches(incident, inside._replace(at=NIGHT - 60 * MINUTE))
    closed = close(incident, baseline, NIGHT + 60 * MINUTE).incidents["FLOOD"]
    assert not matches(closed, inside)


def test_closing_by_hand_begins_the_watches_anew(baseline: Baseline) -> None:
    known = _folded(baseline, _burst("US-SNOW", 1, 3, 30))
    after = close(known.incidents["US-SNOW"], baseline, NIGHT + 30 * MINUTE)
    assert set(after.watches) == {Flow("US-SNOW", Area(1)), Flow("US-SNOW", Area(1, 3))}
    again = _burst("US-SNOW", 1, 3, 2, NIGHT + 31 * MINUTE)
    assert not _folded(baseline, again, known=Known(after.watches)).incidents


def test_an_incident_stays_open_while_an_area_of_it_is_busy(baseline: Baseline) -> None:
    known = _folded(baseline, _burst("US-SNOW", 1, 3, 300))
    incident = known.incidents["US-SNOW"]
    assert incident.busy_at == NIGHT + 299 * MINUTE
    assert not close_if_calm(incident, known.watches, baseline, NIGHT + 400 * MINUTE).incidents
    assert close_if_calm(incident, known.watches, baseline, NIGHT + 660 * MINUTE).incidents["US-SNOW"].closed_at


def test_topics_without_a_family_and_messages_without_a_region_are_not_watched(baseline: Baseline) -> None:
    assert not group(_burst("OV-THANKS", 1, 1, 50), baseline)
    assert not group([Sighting(NIGHT, "US-SNOW", None, None)], baseline)
    assert [str(flow.area) for flow in group(_burst("US-SNOW", 1, 4, 1), baseline)] == ["1", "1-4"]


def test_hours_and_regions_differ_in_what_they_expect(baseline: Baseline) -> None:
    flow = Flow("US-WASTE-COLLECT", Area(4))
    epoch = int(NIGHT.timestamp() / 3600 + 3.5) - 18  # midnight of that Tuesday in Tehran
    expected = baseline.expected(flow)
    assert expected.rate(epoch + 10) / expected.rate(epoch + 20) == pytest.approx(10.5 / 3.0)
    assert baseline.expected(flow, scale=2).rate(epoch + 10) == pytest.approx(2 * expected.rate(epoch + 10))
    assert baseline.expected(Flow("US-SNOW", Area(9))).rate(epoch + 3) == 0.2


def test_a_message_that_comes_days_late_says_nothing_of_now(baseline: Baseline) -> None:
    expected = baseline.expected(Flow("US-SNOW", Area(1)))
    watch = Watch.fresh(NIGHT, expected)
    after = observe(watch, [NIGHT - timedelta(days=2)] * 50, expected, NIGHT)
    assert (after.evidence, after.count) == (watch.evidence, 0)


def test_endless_messages_overflow_nothing(baseline: Baseline) -> None:
    expected = baseline.expected(Flow("US-SNOW", Area(1)))
    watch = observe(Watch.fresh(NIGHT, expected), [NIGHT + MINUTE / 60 * n for n in range(5000)], expected, NIGHT)
    assert watch.count == 5000
    assert all(map(math.isfinite, watch.evidence))
