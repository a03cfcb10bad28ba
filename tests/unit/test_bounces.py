from itertools import product
from typing import Any

import pytest
from common.db import Row
from common.errors import Problem
from routing.bounces import Course, Giving, Past, course

FRESH, BOUNCED = Past(), Past(frozenset({"region-5"}), "hq-triage")
BELOW = frozenset({"region-6", "nahiye-6-1", "region-6-oncall"})


def giving(**given: Any) -> Giving:
    usual: dict[str, Any] = {"holder": "region-6", "to": "region-7", "bounce": False, "arbiter": False}
    return Giving(**usual | {"below": BELOW, "arbitration": None} | given)


@pytest.mark.parametrize(
    ("asked", "past", "found"),
    [
        (giving(), FRESH, Course("region-7", None)),
        (giving(bounce=True), FRESH, Course("region-7", None)),
        (giving(bounce=True, to=None), FRESH, Course("hq-triage", None)),
        (giving(bounce=True, to=None), Past(given_by="region-9"), Course("region-9", None)),
        (giving(bounce=True), BOUNCED, Course("hq-arbitration", "open", "it was given back before")),
        (giving(to="region-5"), BOUNCED, Course("hq-arbitration", "open", "region-5 gave it back before")),
        (
            giving(to="region-5-oncall"),
            BOUNCED,
            Course("hq-arbitration", "open", "region-5-oncall gave it back before"),
        ),
        (giving(to="region-5", arbiter=True), BOUNCED, Course("region-5", "decided")),
        (giving(arbiter=True), BOUNCED, Course("region-7", None)),
        (giving(arbiter=True, arbitration="open"), BOUNCED, Course("region-7", "decided")),
        (giving(to="hq-arbitration"), FRESH, Course("hq-arbitration", "open")),
        (giving(to="hq-arbitration", arbiter=True, arbitration="decided"), BOUNCED, Course("hq-arbitration", "open")),
        (giving(to="nahiye-6-1", arbitration="decided"), BOUNCED, Course("nahiye-6-1", "decided")),
        (giving(to="region-6", arbitration="open"), BOUNCED, Course("region-6", "open")),
    ],
)
def test_where_a_case_goes(asked: Giving, past: Past, found: Course) -> None:
    assert course(asked, past) == found


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (giving(arbitration="open"), 403),
        (giving(arbitration="decided"), 409),
        (giving(to="hq-arbitration", arbitration="decided"), 409),
        (giving(bounce=True, arbitration="open", arbiter=True), 409),
        (giving(bounce=True, arbitration="decided", arbiter=True), 409),
    ],
)
def test_where_it_may_not_go(asked: Giving, status: int) -> None:
    with pytest.raises(Problem) as refused:
        course(asked, BOUNCED)
    assert refused.value.status == status


def test_a_bounce_to_the_unit_itself_or_its_on_call_is_refused() -> None:
    for to in ("region-6", "region-6-oncall"):
        with pytest.raises(Problem, match="another unit"):
            course(giving(bounce=True, to=to), FRESH)


def test_without_an_arbiter_no_case_comes_back_to_a_unit_that_bounced_it() -> None:
    units = ("region-5", "region-6", "region-7", "hq-triage", None)
    for bounce, to, holder, arbitration in product((True, False), units, units[1:4], (None, "open", "decided")):
        asked = giving(bounce=bounce, to=to, holder=holder, arbitration=arbitration)
        try:
            found = course(asked, BOUNCED)
        except Problem:
            continue
        assert found.unit != "region-5"


def test_who_gave_it_is_the_unit_before_the_last_referral_by_a_person() -> None:
    rows: list[Row] = [
        {"step": "refer", "unit": "region-5", "by": None},
        {"step": "refer", "unit": "nahiye-5-1", "by": "someone"},
        {"step": "escalate", "unit": "nahiye-5-1", "by": None},
    ]
    assert Past.of(rows) == Past(frozenset(), "region-5")
    assert Past.of([*rows, {"step": "bounce", "unit": "nahiye-5-1", "by": "x"}]).bounced_by == {"nahiye-5-1"}
    assert Past.of(rows[:1]) == Past()
