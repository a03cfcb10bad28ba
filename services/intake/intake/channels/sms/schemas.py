"""SMS of citizens as Kavenegar gives them: posted as a form, or asked for as a list."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from common import persian
from pydantic import AfterValidator, Field, ValidationError

from intake.channels.wire import Wire, WireId, moment, refusal

MOST_FIELDS = 20
_ENCODED = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
LONGEST = 4000  # characters; a long message comes whole


def _e164(text: str) -> str:
    found = persian.parse_phone(text)
    if found is None:
        raise ValueError("not a telephone number")
    return found.e164


class ReceivedSms(Wire):
    """One SMS; a sender that is no number (an advertiser's name) cannot be answered and is not one."""

    id: WireId = Field(alias="messageid")
    sender: Annotated[str, Field(max_length=40), AfterValidator(_e164)] = Field(alias="from")
    line: str | None = Field(default=None, alias="to")
    text: str = Field(alias="message", max_length=LONGEST)
    date: str | None = None

    @property
    def at(self) -> datetime | None:
        """When it came in, if that is told."""
        return moment(self.date)


class SmsForm(Wire):
    """What Kavenegar posts for each SMS, form-encoded."""

    messageid: str = Field(examples=["30034577"])
    sender: str = Field(alias="from", examples=["09121234567"])
    to: str | None = Field(default=None, examples=["10004346"])
    message: str = Field(examples=["۳۱"])


def read_form(body: bytes) -> ReceivedSms:
    """One SMS of a form; ValueError when it is none."""
    pairs = [pair.partition(b"=") for pair in body.split(b"&", MOST_FIELDS)]
    return ReceivedSms.model_validate({unquote(name): unquote(value) for name, _, value in pairs})


def unquote(value: bytes) -> str:
    """A value of a form; runs of octets at once, for a Persian text is little else, and `urllib` takes each alone."""
    runs = value.replace(b"+", b"%20")
    octets = _ENCODED.sub(lambda run: bytes.fromhex(run[0].replace(b"%", b"").decode()), runs)
    return octets.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry of the list that is no SMS, as JSON, and why."""

    body: bytes
    reason: str
    at: datetime | None


def read_entry(entry: Any) -> ReceivedSms | Unreadable:
    """One SMS of the list that `receive` answers."""
    fields = entry if isinstance(entry, dict) else {}
    try:
        return ReceivedSms.model_validate(fields | {"from": fields.get("sender"), "to": fields.get("receptor")})
    except ValidationError as error:
        [reason] = refusal(error).refused
        return Unreadable(orjson.dumps(entry), reason, moment(str(fields.get("date"))))
