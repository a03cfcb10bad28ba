"""The life of a case. What is not in the dict is a 409 that names what is."""

from collections.abc import Mapping
from enum import StrEnum

from common.errors import Problem
from common.events import Kind, Status, Step, Told


class Finding(StrEnum):
    """What the officer found."""

    ACTIONABLE = "actionable"
    NO_ACTION = "no_action"
    DUPLICATE_OPEN = "duplicate_open"
    DUPLICATE_DONE = "duplicate_done"
    DEFERRED = "deferred"


# A topic that is put right sends the case back to the rules, as a bounce does.
_MEANWHILE: Mapping[Step, Status] = {Step.CORRECT_TOPIC: Status.REGISTERED, Step.ASK_CITIZEN: Status.WAITING}
ALLOWED: Mapping[Status, Mapping[Step, Status]] = {
    Status.REGISTERED: {Step.REFER: Status.REFERRED},
    Status.REFERRED: {
        Step.REFER: Status.REFERRED,
        Step.BOUNCE: Status.REGISTERED,
        Step.ORDER_WORK: Status.IN_PROGRESS,
        Step.ANSWER: Status.ANSWERED,
        Step.SETTLE: Status.CLOSED,
        Step.JOIN: Status.JOINED,
        **_MEANWHILE,
    },
    Status.JOINED: {
        Step.DETACH: Status.REFERRED,
        Step.JOIN: Status.JOINED,
        Step.FOLLOW: Status.JOINED,
        Step.ANSWER_WITH: Status.ANSWERED,
    },
    Status.IN_PROGRESS: {
        Step.RECORD_FINDING: Status.INSPECTED,
        Step.CLOSE: Status.ANSWERED,
        Step.DEFER: Status.DEFERRED,
        Step.JOIN: Status.JOINED,
    },
    Status.INSPECTED: {Step.COMPLETE: Status.ANSWERED, Step.JOIN: Status.JOINED},
    Status.DEFERRED: {Step.ORDER_WORK: Status.IN_PROGRESS, Step.JOIN: Status.JOINED, **_MEANWHILE},
    Status.WAITING: {
        Step.CITIZEN_ANSWERED: Status.REFERRED,
        Step.REFER: Status.REFERRED,
        Step.ANSWER: Status.ANSWERED,
        Step.CORRECT_TOPIC: Status.REGISTERED,
    },
    Status.ANSWERED: {
        Step.ACCEPT: Status.ACCEPTED,
        Step.OBJECT: Status.REOPENED,
        Step.REJECT_COMPLETION: Status.REOPENED,
    },
    Status.REOPENED: {
        Step.REFER: Status.REFERRED,
        Step.BOUNCE: Status.REGISTERED,
        Step.ORDER_WORK: Status.IN_PROGRESS,
        Step.ANSWER: Status.ANSWERED,
        Step.JOIN: Status.JOINED,
        **_MEANWHILE,
    },
    Status.CLOSED: {
        Step.REFER: Status.REFERRED,
        Step.OBJECT: Status.REOPENED,
        Step.CORRECT_TOPIC: Status.REGISTERED,
    },
    Status.ACCEPTED: {},
}

FINDING_STEP: Mapping[Finding, Step] = {
    Finding.ACTIONABLE: Step.RECORD_FINDING,
    Finding.NO_ACTION: Step.CLOSE,
    Finding.DUPLICATE_OPEN: Step.CLOSE,
    Finding.DUPLICATE_DONE: Step.CLOSE,
    Finding.DEFERRED: Step.DEFER,
}
FINDING_WORDS: Mapping[Finding, str] = {
    Finding.NO_ACTION: "در بازدید، نیازی به اقدام دیده نشد",
    Finding.DUPLICATE_OPEN: "همین مورد پیش‌تر ثبت شده و در دست اقدام است",
    Finding.DUPLICATE_DONE: "همین مورد پیش‌تر رسیدگی و انجام شده است",
}
TOLD: Mapping[Step, Told] = {
    Step.COMPLETE: Told.DONE,
    Step.CLOSE: Told.NO_ACTION,
    Step.OBJECT: Told.REOPENED,
    Step.ANSWER: Told.DONE,
    Step.ASK_CITIZEN: Told.ASKED,
}
WITH_PARENT = frozenset({Step.FOLLOW, Step.ANSWER_WITH})  # a child's, when its parent takes a step
OPEN = frozenset(Status) - {Status.ANSWERED, Status.ACCEPTED, Status.CLOSED}
# In these the unit's time runs; in the other open ones it stands still.
TICKING = frozenset(
    {
        *(Status.REGISTERED, Status.REFERRED, Status.IN_PROGRESS, Status.INSPECTED, Status.DEFERRED),
        Status.REOPENED,
    }
)
NO_VISIT = frozenset({Kind.INQUIRY, Kind.THANKS})  # kinds that open no work order


def step_for(kind: Kind, status: Status, step: Step) -> Step:
    """The step that this is for a kind: a question is answered without a visit, so nobody is sent out for it."""
    if kind not in NO_VISIT:
        return step
    if step is Step.ORDER_WORK and status is not Status.DEFERRED:
        raise Problem(409, f"A case of kind {kind} opens no work order; `completions` answers it.")
    return Step.ANSWER if step is Step.COMPLETE and Step.ANSWER in ALLOWED[status] else step


def after(status: Status, step: Step) -> Status:
    """The status after a step; Problem 409 where the workflow does not allow it."""
    allowed = ALLOWED[status]
    if step in allowed:
        return allowed[step]
    offered = [one for one in allowed if one not in WITH_PARENT]
    steps = ", ".join(offered) or "none"
    raise Problem(409, f"A case that is {status} cannot {step}; allowed: {steps}.", more={"allowed": offered})
