"""What intake takes and answers, on every channel."""

from typing import Annotated, Self

from common import persian
from common.events import Kind
from common.persian import Phone
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\w.:@+\-]+$")]
Platform = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_\-]+$")]


def normalised(value: object) -> object:
    """Text as it is stored; anything else as it is."""
    return persian.normalise(value) if isinstance(value, str) else value


def _readable_phone(text: str) -> str:
    if persian.parse_phone(text) is None:
        raise ValueError("not a telephone number; write it like 09121234567")
    return text


PhoneText = Annotated[str, Field(max_length=40, examples=["۰۹۱۲ ۱۲۳ ۴۵۶۷"]), AfterValidator(_readable_phone)]


class PlaceIn(BaseModel):
    """Where: a point (degrees, WGS 84), a region 1-22, an address in words, or several of them."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    lat: float | None = Field(default=None, ge=-90, le=90, examples=[35.7])
    lon: float | None = Field(default=None, ge=-180, le=180, examples=[51.4])
    region: int | None = Field(default=None, ge=1, le=22)
    address: Annotated[str, BeforeValidator(normalised), Field(min_length=1, max_length=500)] | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("a point needs both lat and lon")
        if self.lat is None and self.region is None and self.address is None:
            raise ValueError("give a point, a region or an address")
        return self


class MessageIn(BaseModel):
    """A citizen's message; the channels add what only they have."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, BeforeValidator(normalised), Field(min_length=1, max_length=3000)] = Field(
        description="1-3,000 characters after normalisation"
    )
    kind: Kind | None = None
    topic: str | None = Field(default=None, max_length=40, pattern=r"^[A-Z]{2}(-[A-Z]+)+$", examples=["US-GUTTER"])
    place: PlaceIn | None = None
    phone: PhoneText | None = None
    name: Annotated[str, BeforeValidator(normalised), Field(min_length=1, max_length=200)] | None = None
    occurred_at: AwareDatetime | None = Field(
        default=None, description="at most 7 days back and 5 minutes ahead; else the server's time stands"
    )
    call_id: Identifier | None = Field(default=None, description="of the call that it belongs to, or that led to it")

    @property
    def number(self) -> Phone | None:
        """The telephone number, read."""
        return persian.parse_phone(self.phone) if self.phone else None


class Accepted(BaseModel):
    """The message is stored and has its code; for a 31 or 33 the code is what the text named, if any."""

    code: str | None
    received_at: AwareDatetime
    warnings: list[str] = []


class AmendedOut(BaseModel):
    """What a message became when its citizen added to it; null is unchanged."""

    text: str | None = None
    place: PlaceIn | None = None
    attachments: int = Field(default=0, description="that it had by then, where files came")
    received_at: AwareDatetime


class MessageOut(BaseModel):
    """A message as it was received, and what was added to it later."""

    code: str
    channel: str
    platform: str | None
    text: str
    kind: str | None
    topic: str | None
    place: PlaceIn | None
    phone: str | None = Field(description="masked, but for operators and supervisors")
    occurred_at: AwareDatetime
    received_at: AwareDatetime
    amended: list[AmendedOut] = []
