import itertools
import math
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from common.events import Kind
from routing.cells import EAST, M_PER_DEGREE, metres
from routing.city import City
from routing.duplicates import (
    MOST_IN_SQUARE,
    Candidate,
    OpenCase,
    Verdict,
    judge,
    judge_batch,
    load_reaches,
    square_to_file,
)
from routing.matters import Matter

from tests.builders import NOW

REACHES = load_reaches()
LAT, LON = 35.7219, 51.3347
POTHOLE = "چاله عمیقی وسط خیابان شهید بهشتی هست و ماشین‌ها پنچر می‌شوند"
IN_OTHER_WORDS = "سلام، جلوی پلاک ۱۲ یه گودال بزرگ باز شده، لطفا آسفالت کنید"
VAGUE = "لطفا رسیدگی کنید، سه بار زنگ زدم و کسی نیامد"


def north(metres: float) -> float:
    """The latitude so many metres to the north of the point of all tests."""
    return LAT + metres / M_PER_DEGREE


def a_candidate(text: str = POTHOLE, **given: Any) -> Candidate:
    usual: dict[str, Any] = {"code": "new", "topic": "TC-POTHOLE", "kind": Kind.REQUEST, "received_at": NOW}
    return Candidate(**usual | {"matter": Matter.of(text), "lat": LAT, "lon": LON, "region": 2} | given)


def an_open_case(text: str = POTHOLE, *, metres: float = 10, hours: float = 1, **given: Any) -> OpenCase:
    opened = a_candidate(text, code="open", lat=north(metres), received_at=NOW - timedelta(hours=hours)).opened(None)
    assert opened is not None
    return replace(opened, **given)


def verdict(message: Candidate, *cases: OpenCase) -> Verdict:
    return judge(message, cases, REACHES)


def test_the_same_pothole_in_other_words_becomes_a_child() -> None:
    found = verdict(a_candidate(IN_OTHER_WORDS), an_open_case())
    assert (found.parent, found.own, found.suggestions) == ("open", False, ())
    assert found.because == "an open case 10 m away, and the texts agree"


@pytest.mark.parametrize(
    ("topic", "metres", "parent"),
    [
        ("TC-POTHOLE", 25, "open"),
        ("TC-POTHOLE", 40, None),
        ("TC-MANHOLE", 25, "open"),
        ("TC-MANHOLE", 40, None),
        ("US-FLOOD-STREET", 95, "open"),
        ("US-FLOOD-STREET", 105, None),
    ],
)
def test_the_radius_is_the_topics(topic: str, metres: float, parent: str | None) -> None:
    found = verdict(a_candidate(topic=topic), an_open_case(topic=topic, metres=metres))
    assert (found.parent, found.suggestions) == (parent, ())


@pytest.mark.parametrize(("hours", "parent"), [(11.9, "open"), (12.1, None)])
def test_a_case_older_than_the_topics_window_is_another_matter(hours: float, parent: str | None) -> None:
    flood: dict[str, Any] = {"topic": "US-FLOOD-STREET"}
    assert verdict(a_candidate(**flood), an_open_case(hours=hours, **flood)).parent == parent


def test_another_topic_is_another_matter() -> None:
    assert verdict(a_candidate(), an_open_case(topic="TC-ASPHALT")) == Verdict()


def test_another_matter_at_the_same_place_is_neither_child_nor_suggestion() -> None:
    place = "خیابان شهید کاوه کوچه گلستان پلاک ۴، "
    dogs = a_candidate(place + "سگ‌های ولگرد جمع شده‌اند", topic="US-ANIMAL")
    assert verdict(dogs, an_open_case(place + "لاشه گربه افتاده و بو گرفته", topic="US-ANIMAL")) == Verdict()


def test_a_text_that_says_nothing_of_the_matter_is_suggested() -> None:
    found = verdict(a_candidate(VAGUE), an_open_case())
    assert found.parent is None
    assert [suggested.code for suggested in found.suggestions] == ["open"]
    assert "10 m away" in found.suggestions[0].because


def test_a_place_worked_out_from_words_only_suggests() -> None:
    found = verdict(a_candidate(exact=False), an_open_case())
    assert found.parent is None
    assert "approximate" in found.suggestions[0].because


def test_a_message_without_a_point_has_no_duplicates_by_place() -> None:
    assert verdict(a_candidate(lat=None, lon=None), an_open_case()) == Verdict()


def test_a_topic_without_a_radius_has_no_duplicates_by_place() -> None:
    assert "OV-CONDUCT" not in REACHES
    assert verdict(a_candidate(topic="OV-CONDUCT"), an_open_case(topic="OV-CONDUCT", metres=0)) == Verdict()


def test_the_nearest_is_the_parent_and_of_equally_near_ones_the_oldest() -> None:
    far = an_open_case(code="far", metres=20, hours=9)
    new = an_open_case(code="new one", metres=6, hours=1)
    old = an_open_case(code="old one", metres=8, hours=5)
    assert verdict(a_candidate(), far, new, old).parent == "old one"


def test_three_suggestions_at_most_the_nearest_first() -> None:
    cases = [an_open_case(code=str(metres), metres=metres) for metres in (26, 6, 16, 21)]
    assert [suggested.code for suggested in verdict(a_candidate(VAGUE), *cases).suggestions] == ["6", "16", "21"]


def test_a_child_is_nobodys_parent() -> None:
    assert verdict(a_candidate(), an_open_case(parent="first")).parent == "first"


def test_a_case_is_not_its_own_duplicate() -> None:
    assert verdict(a_candidate(code="open"), an_open_case(code="open")) == Verdict()
    assert verdict(a_candidate(code="open"), an_open_case(code="child", parent="open")) == Verdict()


@pytest.mark.parametrize("kind", [Kind.THANKS, Kind.INQUIRY])
def test_thanks_and_inquiries_have_no_duplicates_and_are_none(kind: Kind) -> None:
    assert verdict(a_candidate(kind=kind), an_open_case()).parent is None
    assert a_candidate(kind=kind).opened(None) is None


def test_a_message_without_a_topic_waits_for_a_person() -> None:
    assert verdict(a_candidate(topic=None), an_open_case()).parent is None
    assert a_candidate(topic=None).opened(None) is None


MINE: dict[str, Any] = {"phone_lookup": "me"}


def test_a_citizen_who_repeats_from_elsewhere_is_joined_to_his_own_case() -> None:
    found = verdict(a_candidate(IN_OTHER_WORDS, **MINE), an_open_case(metres=600, **MINE))
    assert (found.parent, found.own) == ("open", True)


def test_a_citizen_who_asks_what_became_of_it_is_joined_in_the_same_region_alone() -> None:
    nowhere: dict[str, Any] = {"lat": None, "lon": None} | MINE
    assert verdict(a_candidate(VAGUE, **nowhere), an_open_case(**MINE)).parent == "open"
    assert verdict(a_candidate(VAGUE, region=3, **nowhere), an_open_case(**MINE)) == Verdict()
    assert verdict(a_candidate(VAGUE, region=None, **nowhere), an_open_case(region=None, **MINE)) == Verdict()


def test_a_citizen_is_known_by_the_account_as_by_the_number() -> None:
    mine: dict[str, Any] = {"account_lookup": "my chat"}
    assert verdict(a_candidate(**mine), an_open_case(metres=600, **mine)).own
    assert verdict(a_candidate(account_lookup="me"), an_open_case(metres=600, **MINE)) == Verdict()


def test_a_citizen_is_joined_to_the_parent_of_his_case() -> None:
    assert verdict(a_candidate(**MINE), an_open_case(parent="first", metres=300, **MINE)).parent == "first"


def test_ones_own_case_goes_before_a_nearer_one() -> None:
    near, mine = an_open_case(code="near", metres=1), an_open_case(code="mine", metres=20, **MINE)
    assert verdict(a_candidate(**MINE), near, mine).parent == "mine"


def test_two_exact_points_far_apart_are_two_potholes_of_one_citizen() -> None:
    found = verdict(a_candidate(**MINE), an_open_case(metres=1200, **MINE))
    assert found.parent is None
    assert "1200 m away" in found.suggestions[0].because


def test_without_points_two_regions_are_two_potholes_of_one_citizen() -> None:
    nowhere: dict[str, Any] = {"lat": None, "lon": None} | MINE
    found = verdict(a_candidate(region=17, **nowhere), an_open_case(region=9, lat=None, lon=None, **MINE))
    assert (found.parent, [one.because for one in found.suggestions]) == (
        None,
        ["the citizen's own case, but in region 9"],
    )
    assert verdict(a_candidate(region=None, **nowhere), an_open_case(region=9, **MINE)).parent == "open"


def test_a_citizens_other_matter_in_the_same_region_is_suggested_alone() -> None:
    dogs = a_candidate("سگ‌های ولگرد حمله می‌کنند", topic="US-ANIMAL", **MINE)
    found = verdict(dogs, an_open_case("لاشه گربه در جوی افتاده", topic="US-ANIMAL", metres=500, **MINE))
    assert (found.parent, len(found.suggestions)) == (None, 1)


def test_citizens_without_a_number_are_not_one_citizen() -> None:
    assert verdict(a_candidate(), an_open_case(metres=200)) == Verdict()


def test_the_first_of_a_batch_is_the_parent_of_the_others() -> None:
    first, second = a_candidate(code="a"), a_candidate(IN_OTHER_WORDS, code="b", lat=north(20))
    third = a_candidate(code="c", lat=north(38))
    assert [one.parent for one in judge_batch([first, second, third], {}, REACHES)] == [None, "a", None]


def test_a_batch_joins_what_the_tables_know_first() -> None:
    messages = [a_candidate(code="a"), a_candidate(code="b")]
    near = {0: [an_open_case()], 1: [an_open_case()]}
    assert [one.parent for one in judge_batch(messages, near, REACHES)] == ["open", "open"]


@pytest.mark.parametrize("whose", [MINE, {"account_lookup": "my chat"}])
def test_one_citizen_twice_in_a_batch_is_one_matter(whose: dict[str, Any]) -> None:
    nowhere: dict[str, Any] = {"lat": None, "lon": None} | whose
    messages = [a_candidate(code="a", **nowhere), a_candidate(VAGUE, code="b", **nowhere)]
    assert [one.parent for one in judge_batch(messages, {}, REACHES)] == [None, "a"]


def test_no_verdict_names_a_child_whatever_the_order() -> None:
    messages = [a_candidate(code=str(n), lat=north(n * 7 % 100), phone_lookup=str(n % 9)) for n in range(200)]
    parents = {m.code: v.parent for m, v in zip(messages, judge_batch(messages, {}, REACHES), strict=True)}
    assert all(parents[parent] is None for parent in parents.values() if parent)
    assert sum(parent is None for parent in parents.values()) <= 5


def test_a_storm_over_a_nahiye_leaves_parents_a_radius_apart_and_children_within_it() -> None:
    chance = random.Random(137)
    spots = [(north(chance.uniform(0, 1400)), LON + chance.uniform(0, 1400) / M_PER_DEGREE / EAST) for _ in range(500)]
    flood: dict[str, Any] = {"topic": "US-FLOOD-STREET", "matter": Matter.of("آب باران تا زانو جمع شده")}
    storm = {str(n): a_candidate(code=str(n), lat=lat, lon=lon, **flood) for n, (lat, lon) in enumerate(spots)}
    told = {m.code: v.parent for m, v in zip(storm.values(), judge_batch([*storm.values()], {}, REACHES), strict=True)}
    parents = [storm[code] for code, parent in told.items() if parent is None]
    assert all(_apart(a, b) > 100 for a, b in itertools.combinations(parents, 2))
    assert all(_apart(storm[code], storm[parent]) <= 100 for code, parent in told.items() if parent)
    assert 60 < len(parents) < 200  # circles of 100 m over two square kilometres


def _apart(one: Candidate, other: Candidate) -> float:
    assert one.lat is not None
    assert one.lon is not None
    assert other.lat is not None
    assert other.lon is not None
    return metres(one.lat, one.lon, other.lat, other.lon)


def test_a_storm_in_one_place_compares_each_message_with_few() -> None:
    """Texts that never agree make no child, so that all stay parents in the same squares."""
    compared = 0

    class Counted(frozenset[int]):
        def __and__(self, other: Any) -> frozenset[int]:
            nonlocal compared
            compared += 1
            return frozenset.__and__(self, other)

    vague = Matter.of(VAGUE)
    matter = replace(vague, marks=Counted(vague.marks))
    batch = [
        a_candidate(code=str(n), matter=replace(matter, marks=Counted(list(matter.marks)[:2]))) for n in range(300)
    ]
    assert all(one.parent is None for one in judge_batch(batch, {}, REACHES))
    assert 0 < compared <= 300 * 9 * MOST_IN_SQUARE


def test_a_point_that_is_not_exact_is_not_filed() -> None:
    exact, guessed = a_candidate().opened(None), a_candidate(exact=False).opened(None)
    assert exact is not None
    assert guessed is not None
    assert square_to_file(exact, REACHES) is not None
    assert square_to_file(guessed, REACHES) is None


def test_every_radius_is_of_a_topic_in_the_catalogue() -> None:
    assert set(REACHES) <= set(City.load().topics)
    assert not [topic for topic in REACHES if topic.startswith(("OV-", "XX-"))]


def test_distances_are_those_of_the_sphere() -> None:
    case = an_open_case(metres=0, lon=LON + 29 / M_PER_DEGREE / EAST)
    assert verdict(a_candidate(), case).parent == "open"
    assert verdict(a_candidate(), replace(case, lon=LON + 31 / M_PER_DEGREE / EAST)).parent is None
    assert math.isclose(EAST, math.cos(math.radians(LAT)), rel_tol=1e-3)
