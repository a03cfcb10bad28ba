from datetime import timedelta

import pytest
from common.errors import Problem
from common.events import Place, Status, Step
from routing.city import TRIAGE, City
from routing.classify import WordMatch
from routing.decide import Asked, Decider
from routing.workflow import ALLOWED, after
from workbench.city import load_messages

from tests.builders import NOW


@pytest.fixture(scope="module")
def decider() -> Decider:
    city = City.load()
    return Decider(city, WordMatch(city))


@pytest.mark.parametrize(
    ("topic", "place", "unit"),
    [
        ("US-GUTTER", Place(region=5), "region-5"),
        ("US-GUTTER", Place(lat=35.7550, lon=51.3051), "nahiye-5-1"),
        ("TC-POTHOLE", Place(lat=35.8026, lon=51.4628), "region-1"),
        ("OV-CONDUCT", Place(region=5), "hq-inspection"),
        ("US-GUTTER", None, TRIAGE),
        ("US-GUTTER", Place(lat=32.6, lon=51.6), TRIAGE),
        ("NO-SUCH", Place(region=5), TRIAGE),
        ("XX-POWER", Place(region=5), "hq-refer-121"),
    ],
)
def test_the_unit_follows_from_the_topics_level_and_the_place(
    decider: Decider, topic: str, place: Place | None, unit: str
) -> None:
    decision = decider.decide(Asked("…", topic, None, place, NOW))
    assert decision.unit == unit
    assert unit in decider.city.units
    assert [reason.step for reason in decision.reasons] == ["topic", "place", "unit", "deadline"]


def test_the_deadline_is_the_topics_from_the_receipt(decider: Decider) -> None:
    topic = decider.city.topics["US-GUTTER"]
    decision = decider.decide(Asked("…", "US-GUTTER", None, None, NOW))
    assert decision.deadline - NOW == timedelta(hours=topic.sla_hours)


def test_every_labelled_message_is_decided(decider: Decider) -> None:
    for row in load_messages():
        place = Place(region=row["region"]) if row["region"] else None
        assert decider.decide(Asked(row["text"], None, None, place, NOW)).unit in decider.city.units


def test_every_centre_lies_in_its_own_region(decider: Decider) -> None:
    for region in decider.city.regions.values():
        assert decider.city.locate(Place(lat=region.lat, lon=region.lon)).region == region.number


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("step", list(Step))
def test_a_step_is_taken_or_refused_with_the_allowed_ones(status: Status, step: Step) -> None:
    if step in ALLOWED[status]:
        assert after(status, step) is ALLOWED[status][step]
        return
    with pytest.raises(Problem) as refused:
        after(status, step)
    assert refused.value.status == 409
    assert refused.value.more["allowed"] == list(ALLOWED[status])


def test_every_status_can_be_reached() -> None:
    reached = {Status.REGISTERED}
    for _ in Status:
        reached |= {after_ for status in reached for after_ in ALLOWED[status].values()}
    assert reached == set(Status)
