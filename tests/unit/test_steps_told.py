from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from common.events import Status, Step
from routing.models import History
from routing.steps_told import IN_WORDS, parents_in, steps_told
from routing.workflow import Finding

from tests.builders import NOW

TITLES = {"region-5": "شهرداری منطقه 5"}


def a_step(step: Step, *, code: str = "1", minute: int = 0, **given: Any) -> History:
    usual: dict[str, Any] = {"code": code, "revision": 1, "status": Status.REFERRED.value, "unit": "region-5"}
    return History(**usual | {"step": step.value, "at": NOW + timedelta(minutes=minute)} | given)


def told(*rows: History, parents: Mapping[Any, History] | None = None) -> list[tuple[str, str | None]]:
    return [(step["words"], step["outcome"]) for step in steps_told(rows, parents or {}, TITLES)]


def test_every_step_has_words_or_is_left_out_on_purpose() -> None:
    assert IN_WORDS.keys() == set(Step)
    assert {step for step, words in IN_WORDS.items() if words is None} == {Step.BOUNCE, Step.ESCALATE}


@pytest.mark.parametrize("step", sorted(set(Step) - {Step.COMPLETE, Step.ANSWER, Step.ASK_CITIZEN}))
def test_neither_the_reasons_nor_the_names_of_staff_are_told(step: Step) -> None:
    row = a_step(step, reason="درون‌سازمانی", by="staff-7", detail={"officer": "staff-9", "note": "درون‌سازمانی"})
    assert not any(word in str(told(row)) for word in ("درون‌سازمانی", "staff"))


@pytest.mark.parametrize("step", [Step.COMPLETE, Step.ANSWER, Step.ASK_CITIZEN])
def test_what_the_citizen_was_told_by_sms_stands_with_its_step(step: Step) -> None:
    assert told(a_step(step, reason="چاله پر شد", by="staff-7"))[0][1] == "چاله پر شد"


@pytest.mark.parametrize(
    ("finding", "words"),
    [(Finding.NO_ACTION, "در بازدید، نیازی به اقدام دیده نشد"), (Finding.ACTIONABLE, None)],
)
def test_a_finding_is_told_in_the_words_of_its_kind(finding: Finding, words: str | None) -> None:
    assert told(a_step(Step.CLOSE, reason="یادداشت", detail={"finding": finding.value}))[0][1] == words


def test_a_child_is_told_the_outcome_of_the_step_with_which_it_was_answered() -> None:
    child = a_step(Step.ANSWER_WITH, code="2", minute=5, reason="یادداشت", detail={"parent": "1"})
    early, last = (a_step(Step.COMPLETE, minute=n, reason=words) for n, words in ((1, "زود"), (5, "چاله پر شد")))
    assert parents_in([child]) == ["1"]
    assert told(child, parents={(row.code, row.at): row for row in (early, last)})[0][1] == "چاله پر شد"
    assert told(child)[0][1] is None


def test_a_referral_names_the_unit_and_one_that_is_no_more_by_its_code() -> None:
    rows = a_step(Step.REFER), a_step(Step.REFER, unit="gone")
    assert [words for words, _ in told(*rows)] == ["به شهرداری منطقه 5 ارجاع شد", "به gone ارجاع شد"]
