import math
from collections import Counter
from itertools import pairwise

import pytest
from common.calendar import TEHRAN
from common.events import Place
from routing.city import City
from workbench.simulated_map import nahiye_counts
from workbench.simulator import SNOW, STORM, Sent, normal_day, snow_night, snow_onset, storm, storm_onset


@pytest.fixture(scope="module")
def day() -> list[Sent]:
    return normal_day(7)


def test_the_seed_gives_the_same_messages_and_another_gives_others(day: list[Sent]) -> None:
    assert normal_day(7) == day
    assert normal_day(8)[:10] != day[:10]
    assert snow_night(1) == snow_night(1)


def test_a_normal_day_has_the_hours_and_the_share_of_contacts_that_are_known(day: list[Sent]) -> None:
    assert 0.46 * 11_000 <= len(day) <= 0.71 * 11_000
    assert all(one.at <= two.at for one, two in pairwise(day))
    hours = Counter(one.at.astimezone(TEHRAN).hour for one in day)
    assert sum(hours[hour] for hour in range(7, 15)) / len(day) == pytest.approx(0.6, abs=0.03)
    assert sum(hours[hour] for hour in range(15, 23)) / len(day) == pytest.approx(0.3, abs=0.03)
    assert hours[10] / len(day) == pytest.approx(0.105, abs=0.015)


def test_reports_of_one_fact_lie_within_thirty_metres(day: list[Sent]) -> None:
    groups: dict[tuple[str, int, int], list[Sent]] = {}
    for one in day:
        groups.setdefault((one.topic, one.region, one.nahiye), []).append(one)
    near = sum(
        any(_metres(one, two) <= 30 for two in group[:n]) for group in groups.values() for n, one in enumerate(group)
    )
    assert 0.10 <= near / len(day) <= 0.20


def _metres(one: Sent, two: Sent) -> float:
    return 111_200 * math.hypot(one.lat - two.lat, (one.lon - two.lon) * math.cos(math.radians(35.7)))


def test_most_points_lie_in_the_region_and_nahiye_that_they_name(day: list[Sent]) -> None:
    city = City.load()
    spots = [(one, city.locate(Place(lat=one.lat, lon=one.lon))) for one in day[:500]]
    assert sum((one.region, one.nahiye) == (spot.region, spot.nahiye) for one, spot in spots) >= 400


def test_a_snow_night_has_its_volume_its_topics_and_its_region() -> None:
    messages = snow_night(5)
    event = [one for one in messages if one.topic in SNOW]
    assert len(messages) == 5_100
    assert len(event) / len(messages) == pytest.approx(0.91, abs=0.01)
    assert Counter(one.region for one in event).most_common(1)[0][1] / len(event) == pytest.approx(0.82, abs=0.03)
    assert messages[0].at >= snow_onset()
    assert (messages[-1].at - snow_onset()).total_seconds() <= 14 * 3600


def test_a_storm_has_its_volume_its_region_and_its_nahiye() -> None:
    messages = storm(5)
    event = [
        one for one in messages if one.topic in ("US-FLOOD-STREET", "US-FLOOD-BUILDING") and one.at >= storm_onset()
    ]
    nahiye = Counter((one.region, one.nahiye) for one in event)
    regions = Counter(one.region for one in event)
    assert 0.46 * 53_000 <= len(messages) <= 0.71 * 53_000
    assert sum(one.topic in STORM for one in messages) / len(messages) > 0.45
    assert regions.most_common(1)[0][1] / len(event) == pytest.approx(0.82, abs=0.04)
    assert nahiye.most_common(1)[0][1] / len(event) == pytest.approx(0.25, abs=0.04)
    assert all(1 <= one.nahiye <= nahiye_counts()[one.region] for one in messages)


def test_words_can_be_given_and_a_topic_without_any_says_its_code() -> None:
    texts = {one.topic: one.text for one in snow_night(2, 300, texts={"US-SNOW": ["برف"]})}
    assert texts["US-SNOW"] == "برف"
    assert texts["US-SALT"] == "US-SALT"
    assert len({one.text for one in snow_night(2, 300) if one.topic == "US-SNOW"}) > 5
