"""What every event is made of: its attributes, and the values that several of them carry."""

from typing import ClassVar, Unpack
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from uuid_utils.compat import uuid7

from common.vocabulary import Stream


class Place(BaseModel):
    """Where: a point (degrees, WGS 84), a region 1-22, an address in words, or any of them."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    region: int | None = Field(default=None, ge=1, le=22)
    address: str | None = Field(default=None, max_length=500)


class SealedAddress(BaseModel):
    """Whom to answer: ciphertext by `common.sealed`, and the keyed hashes of number and account for look-up."""

    model_config = ConfigDict(frozen=True)

    phone: str | None = None
    phone_lookup: str | None = None
    name: str | None = None
    sms: bool = False  # the number can get SMS
    account: str | None = None  # on the channel it came by: a messenger's chat, the app's citizen
    account_lookup: str | None = None


class Event(BaseModel):
    """What every event has. `at` is when it happened (UTC); `id` is a UUIDv7 made once, with its row."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: ClassVar[str]
    stream: ClassVar[Stream]

    id: UUID = Field(default_factory=uuid7, exclude=True)
    at: AwareDatetime = Field(exclude=True)
    traceparent: str | None = Field(default=None, exclude=True)

    def __init_subclass__(cls, *, name: str = "", stream: Stream | None = None, **config: Unpack[ConfigDict]) -> None:
        super().__init_subclass__(**config)
        if name and stream:
            cls.name, cls.stream = name, stream

    @property
    def key(self) -> str:
        """The record key: all that concerns one case stays in order."""
        raise TypeError(f"{type(self).__name__} has no key")


class CaseEvent(Event):
    """An event about one case, keyed by its tracking code."""

    code: str

    @property
    def key(self) -> str:
        return self.code


class IncidentEvent(Event):
    """An event about one incident, keyed by it; `revision` counts its events."""

    incident: UUID
    revision: int
    family: str  # of topics
    regions: tuple[int, ...] = ()  # the extent, the most messages first
    nahiye: tuple[str, ...] = ()  # `5-2` is the second of region 5
    codes: tuple[str, ...] = ()  # cases that became members with this

    @property
    def key(self) -> str:
        return str(self.incident)
