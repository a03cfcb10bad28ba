"""The generic CTI webhook that many exchanges can speak, as Zammad documents it: newCall, answer, hangup.

Fields: https://docs.zammad.org/en/latest/api/generic-cti/index.html (event, from, to, direction, callId, user, queue,
cause, answeringNumber; `queue` is optional and a hangup has none), as JSON, as a form or as multipart; every call
that is taken is answered `{}`. It has no time of its own: the time of receipt counts, and each event of a call once.
`user` is a person's name and is not kept.
"""

from collections.abc import Mapping
from datetime import datetime
from email import policy
from email.parser import BytesParser
from urllib.parse import parse_qsl

import orjson
from common.errors import FieldError, Problem, invalid
from common.persian import parse_phone
from pydantic import BaseModel, Field, ValidationError

from intake.channels.phone.schemas import CallEventIn
from intake.channels.phone.states import Moment, agent_id
from intake.schemas import Identifier

_GIVEN_UP = ("cancel", "noAnswer")  # before an agent picked up
_FIELDS = {"newCall": Moment.JOINED, "answer": Moment.ANSWERED, "hangup": Moment.ENDED}


class CtiEvent(BaseModel):
    """What an exchange posts; fields that we have no use for are ignored."""

    event: str
    call_id: Identifier = Field(alias="callId")
    direction: str = "in"
    caller: str | None = Field(default=None, alias="from")
    called: str | None = Field(default=None, alias="to")
    queue: str | None = None
    cause: str | None = None
    answering_number: str | None = Field(default=None, alias="answeringNumber")


def cti_event(body: bytes, content_type: str) -> CtiEvent:
    """The posted event; Problem 422 when a field is missing or the event is none of the three."""
    try:
        event = CtiEvent.model_validate(_fields(body, content_type))
    except ValidationError as error:
        raise invalid(error) from error
    if event.event not in _FIELDS:
        reason = FieldError("/event", f"must be one of {', '.join(_FIELDS)}")
        raise Problem(422, "This event is not known.", [reason])
    return event


def queue_of(event: CtiEvent, *, known: str | None, queues: Mapping[str, str]) -> str:
    """The queue that is named, else the one that the call is known in, else that of the number that was called."""
    return _identifier(event.queue) or known or queues.get((event.called or "").strip(), "default")


def moments_of(event: CtiEvent, now: datetime, *, queue: str) -> list[CallEventIn]:
    """What it says of a call in a queue; nothing for calls that go out."""
    if event.direction != "in":
        return []
    about = {
        "call_id": event.call_id,
        "queue": queue,
        "caller": _number(event.caller),
        "agent": _identifier(agent_id(event.answering_number or "")),
        "at": now,
    }
    kinds = [_FIELDS[event.event]]
    if kinds == [Moment.ENDED] and event.cause in _GIVEN_UP:
        kinds = [Moment.ABANDONED, Moment.ENDED]
    return [CallEventIn.model_validate(about | {"event": kind}) for kind in kinds]


def _fields(body: bytes, content_type: str) -> Mapping[str, object]:
    media = content_type.partition(";")[0].strip().lower()
    try:
        if media == "application/json":
            given = orjson.loads(body)
            return given if isinstance(given, dict) else {}
        if media == "multipart/form-data":
            return _multipart(body, content_type)
        return dict(parse_qsl(body.decode()))
    except (ValueError, LookupError) as error:  # the parser of parts falls over `name*` with nothing behind it
        raise Problem(422, f"The body cannot be read as {media or 'a form'}.") from error


def _multipart(body: bytes, content_type: str) -> Mapping[str, object]:
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    form = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    parts = form.iter_parts() if form.is_multipart() else ()
    named = ((part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in parts)
    return {str(name): value.decode() for name, value in named if name and isinstance(value, bytes)}


def _number(text: str | None) -> str | None:
    """The caller's number, however long it was written; None where there is none."""
    number = parse_phone(text) if text else None
    return number.e164 if number else None


def _identifier(text: str | None) -> str | None:
    """A name as it can stand in an event: no spaces, at most 64 characters."""
    kept = "".join(c if c.isalpha() or c.isdecimal() or c in ".:@+-" else "_" for c in (text or "").strip())[:64]
    return kept or None
