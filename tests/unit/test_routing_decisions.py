from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.errors import Problem
from common.events import Kind, Place, Status, Step, Told
from routing.city import TRIAGE, City
from routing.classify import Classifier
from routing.decide import Asked, Decider, Decision
from routing.rule_text import default_rules, read
from routing.rules import Known
from routing.sla import CountedBy
from routing.workflow import ALLOWED, WITH_PARENT, after
from workbench.city import load_messages

MORNING = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # Tuesday, ten o'clock in Tehran


RULES = default_rules()


@pytest.fixture(scope="module")
def decider() -> Decider:
    city = City.load()
    return Decider(city, Classifier.load(city.topics))


def decide(decider: Decider, text: str, **given: Any) -> Decision:
    """One decision at ten in the morning of a working day in Tehran, by the project's own rules."""
    city = decider.city
    rules = read(RULES, Known(city.topics, frozenset(city.units), city.holidays))
    usual: dict[str, Any] = {"received_at": MORNING, "occurred_at": MORNING, "kind": Kind.REQUEST}
    [decision] = decider.decide([Asked(text, **usual | given)], rules)
    return decision


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
    decision = decide(decider, "…", topic=topic, place=place)
    assert decision.unit == unit
    assert unit in decider.city.units
    steps = ["topic", "place", "urgency", "rule", "unit", "deadline"]
    assert [reason.step for reason in decision.reasons] == steps


def test_the_deadline_is_counted_in_the_units_working_time(decider: Decider) -> None:
    decision = decide(decider, "…", topic="US-GUTTER", place=Place(lat=35.7550, lon=51.3051))
    assert decision.times.by is CountedBy.WORKING
    assert decision.deadline - MORNING == timedelta(days=2)  # 48 hours of the catalogue are two days of the nahiye


def test_at_night_what_is_urgent_goes_to_who_is_on_call(decider: Decider) -> None:
    night = MORNING.replace(hour=22)  # 01:30 in Tehran
    at = {"received_at": night, "occurred_at": night, "place": Place(lat=35.7550, lon=51.3051)}
    assert decide(decider, "درخت همین الان افتاده روی ماشین", topic="GS-TREE-FALL", **at).unit == "region-5-oncall"
    assert decide(decider, "جوی گرفته", topic="US-GUTTER", **at).unit == "nahiye-5-1"


def test_what_the_text_says_is_enough(decider: Decider) -> None:
    decision = decide(decider, "چاله بزرگی وسط خیابان در نارمک است، لطفا آسفالت کنید", kind=None)
    assert (decision.topic, decision.spot.region) == ("TC-POTHOLE", 8)
    assert decision.kind is Kind.REQUEST


def test_an_unsure_topic_goes_to_the_triage_desk_with_three_suggestions(decider: Decider) -> None:
    decision = decide(decider, "سلام لطفا رسیدگی کنید", kind=None, place=Place(region=5))
    assert (decision.topic, decision.unit) == (None, TRIAGE)
    assert len(decision.subject.suggestions) == 3


@pytest.mark.parametrize(
    ("text", "given", "settled"),
    [
        ("برق کوچه ما قطع است", {"topic": "XX-POWER"}, Told.OUT_OF_SCOPE),
        ("جوی گرفته", {"topic": "US-GUTTER", "place": Place(lat=35.83, lon=50.97)}, Told.OUT_OF_SCOPE),
        ("اسلامشهر جوی گرفته", {"topic": "US-GUTTER"}, Told.OUT_OF_SCOPE),
        ("اسلامشهر جوی گرفته", {"topic": "US-GUTTER", "place": Place(region=5)}, None),
        ("در کرج بچه افتاده توی منهول کمک", {"topic": "TC-MANHOLE"}, None),
        ("اتوبان کرج جوی گرفته", {"topic": "US-GUTTER"}, None),
        ("ممنون از زحمات شما", {"topic": "OV-THANKS", "kind": None}, Told.THANKED),
        ("جوی گرفته", {"topic": "US-GUTTER", "place": Place(region=5)}, None),
        ("سپاس از شما. چراغ پارک هنوز خاموش است", {"kind": None}, None),
        ("با تشکر از زحمات شما، لطفا چاله جلوی پلاک ۱۲ را هم پر کنید", {"kind": None}, None),
        ("ممنونم چاله را پر کنید", {"topic": "TC-POTHOLE", "kind": None}, None),
        ("دستتون درد نکنه با این آسفالت کردنتون، ماشینم داغون شد", {"kind": None}, None),
        ("ممنون که چاله کوچه ما را همان روز پر کردید", {"topic": "OV-THANKS", "kind": None}, Told.THANKED),
        ("خدا قوت، ممنون بابت جمع کردن نخاله‌ها", {"kind": None}, Told.THANKED),
        ("خسته نباشید، دستتون درد نکنه کوچه تمیز شد", {"kind": None}, Told.THANKED),
        ("با تشکر از شما خواهشمندم نسبت به هرس درختان اقدام فرمایید", {"kind": None}, None),
        ("دستتون درد نکنه واقعا عالی! یه ساله کوچه ما رو آسفالت نکردید", {"kind": None}, None),
        ("آفرین به شما! یک ماهه زنگ میزنم یه نفر نیومده، دمتون گرم", {"kind": None}, None),
        ("واقعا ممنون که کوچه ما رو به حال خودش رها کردید", {"kind": None}, None),
        ("سپاس، مستدعی است دستور رسیدگی به سد معبر صادر فرمایید", {"kind": None}, None),
        ("ممنون میشم چراغ پارک را روشن کنند", {"topic": "OV-THANKS", "kind": None}, None),
        ("بچه افتاده توی منهول کمک", {"topic": "TC-MANHOLE", "place": Place(lat=35.83, lon=50.97)}, None),
        ("چاله", {"topic": "TC-POTHOLE", "place": Place(lat=0, lon=0)}, None),
    ],
)
def test_what_needs_no_unit_is_settled_at_once(
    decider: Decider, text: str, given: dict[str, Any], settled: Told | None
) -> None:
    assert decide(decider, text, **given).settled is settled


def test_every_labelled_message_is_decided_and_most_of_them_right(decider: Decider) -> None:
    messages = load_messages()
    right = 0
    for row in messages:
        place = Place(region=row["region"]) if row["region"] else None
        decision = decide(decider, row["text"], kind=None, place=place)
        assert decision.unit in decider.city.units
        right += decision.topic == row["topic"]
    assert right / len(messages) > 0.9  # they are in the training; tests/unit/test_classify.py has the second test


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
    assert refused.value.more["allowed"] == [one for one in ALLOWED[status] if one not in WITH_PARENT]


def test_every_status_can_be_reached() -> None:
    reached = {Status.REGISTERED}
    for _ in Status:
        reached |= {after_ for status in reached for after_ in ALLOWED[status].values()}
    assert reached == set(Status)
