"""The history of a case in words for its citizen: no names of staff, no reasons that they give each other."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from common.events import Step

from routing.workflow import FINDING_WORDS, Finding

REGISTERED = "ثبت شد"
# A step without words is left out: a bounce is followed by its referral, an escalation is the units' own.
IN_WORDS: Mapping[Step, str | None] = {
    Step.REFER: "به {unit} ارجاع شد",
    Step.BOUNCE: None,
    Step.ORDER_WORK: "مامور برای بازدید تعیین شد",
    Step.RECORD_FINDING: "بازدید شد و در دست اقدام است",
    Step.CLOSE: "پس از بازدید پاسخ داده شد",
    Step.DEFER: "برای زمان دیگری برنامه‌ریزی شد",
    Step.CORRECT_TOPIC: "موضوع آن اصلاح شد",
    Step.ASK_CITIZEN: "از شما پرسشی شد",
    Step.CITIZEN_ANSWERED: "پاسخ شما رسید",
    Step.ESCALATE: None,
    Step.COMPLETE: "کار انجام و پاسخ داده شد",
    Step.REJECT_COMPLETION: "انجام کار تایید نشد و دوباره رسیدگی می‌شود",
    Step.ACCEPT: "پاسخ را تایید کردید",
    Step.OBJECT: "به پاسخ اعتراض کردید و دوباره رسیدگی می‌شود",
    Step.ANSWER: "پاسخ داده شد",
    Step.SETTLE: "پاسخ داده و بسته شد",
    Step.JOIN: "با گزارش دیگری از همین مورد همراه شد",
    Step.FOLLOW: "همراه با گزارش دیگر به {unit} رسید",
    Step.ANSWER_WITH: "همراه با گزارش دیگر از همین مورد پاسخ داده شد",
    Step.AMEND: "آنچه پس از ثبت فرستادید به آن افزوده شد",
    Step.DETACH: "از گزارش دیگر جدا شد و خود رسیدگی می‌شود",
}
_SAID = frozenset({Step.COMPLETE, Step.ANSWER, Step.ASK_CITIZEN})  # whose reason is what the citizen is told


class Row(Protocol):
    """A row of the history."""

    code: Any
    step: Any
    status: Any
    unit: Any
    at: Any
    reason: Any
    detail: Any


def steps_told(
    rows: Iterable[Row], parents: Mapping[tuple[str, datetime], Row], titles: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Each step that has words, the oldest first.

    `parents` are the steps with which children were answered, by the parent's code and their time; `titles` are the
    units' by their codes.
    """
    for row in rows:
        words = IN_WORDS[Step(row.step)]
        if words is None:
            continue
        told = parents.get((_parent(row), row.at), row) if row.step == Step.ANSWER_WITH else row
        title = titles.get(row.unit, row.unit)
        yield {"at": row.at, "status": row.status, "words": words.format(unit=title), "outcome": outcome(told)}


def outcome(row: Row) -> str | None:
    """What the citizen was told at a step; None where the step alone said it."""
    detail = row.detail or {}
    if row.step in _SAID:
        return str(row.reason) if row.reason else None
    if row.step == Step.CLOSE and "finding" in detail:
        return FINDING_WORDS.get(Finding(detail["finding"]))
    return None


def parents_in(rows: Iterable[Row]) -> list[str]:
    """The cases with which this one was answered."""
    return sorted({_parent(row) for row in rows if row.step == Step.ANSWER_WITH})


def _parent(row: Row) -> str:
    return str((row.detail or {}).get("parent", ""))
