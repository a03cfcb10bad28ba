"""What a citizen says to our answer, by the app: a reply that names its case, with stars and a reason."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common import telemetry
from common.errors import Problem
from common.events import Answer, ReplyReceived

from intake.channels.app.own_schemas import Feedback, FeedbackAnswer
from intake.contact import Contact, Origin, occurrence

ANSWERS = {FeedbackAnswer.ACCEPT: Answer.ACCEPTED, FeedbackAnswer.OBJECT: Answer.OBJECTED}


def feedback(code: str, given: Feedback, origin: Origin, *, account_lookup: str | None, now: datetime) -> Contact:
    """The reply, ready to be stored."""
    occurred_at, warnings = occurrence(given.occurred_at, now)
    event = ReplyReceived(
        at=now,
        traceparent=telemetry.traceparent(),
        answer=ANSWERS[given.answer],
        channel=origin.channel,
        code=code,
        account_lookup=account_lookup,
        text=given.reason,
        stars=given.stars,
        occurred_at=occurred_at,
        received_at=now,
    )
    return Contact(event, origin, warnings)


def refuse_unawaited(given: Feedback, standing: Mapping[str, Any]) -> None:
    """Problem 409, naming what is allowed, where the case awaits no such reply."""
    allowed: Sequence[str] = standing["may"]
    if given.answer in allowed:
        return
    words = f"; allowed: {', '.join(allowed)}" if allowed else "; it awaits no reply"
    raise Problem(409, f"This case cannot be answered with `{given.answer}` now{words}.", more={"allowed": allowed})
