"""Decide what a contact is, without I/O: its times, its place, whom to answer, what to warn of."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from common import telemetry
from common.auth import Caller
from common.codes import new_code, parse_code
from common.events import (
    Answer,
    Channel,
    MessageReceived,
    Place,
    ReplyReceived,
    SealedAddress,
    UrgentMessageReceived,
)
from common.sealed import Sealer
from common.signs import may_be_urgent

from intake.attachments.files import MOST, Files, SealedFile, owner_of
from intake.call_links import call_named
from intake.conversation.heard import FileRef, platform_of
from intake.schemas import MessageIn, PlaceIn
from intake.settings import Settings

FURTHEST_BACK = timedelta(days=7)
FURTHEST_AHEAD = timedelta(minutes=5)

NO_SMS = "phone: this number cannot get SMS; the answer can be read with the code alone"
OUTSIDE = "place: this point is outside the city; the message is registered and may be referred elsewhere"
OTHER_TIME = "occurred_at: more than 7 days back or 5 minutes ahead; the time of receipt stands instead"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a contact comes from: who took it, how, and under which key it must count once."""

    channel: Channel
    caller: Caller
    key: bytes | None = None
    body: bytes | None = None
    platform: str | None = None
    call_id: str | None = None
    joins: str | None = None  # code of the open case that the citizen says it is the same as
    account: str | None = None  # the citizen's on that channel: a messenger's chat, the app's citizen

    @property
    def whose(self) -> str:
        """The account, told apart from the same one elsewhere; what its keyed hash is made of."""
        return f"{platform_of(self.platform or self.channel)}:{self.account}"


@dataclass(frozen=True, slots=True)
class Contact:
    """A message or a reply, ready to be stored with its event."""

    event: MessageReceived | ReplyReceived
    origin: Origin
    warnings: list[str] = field(default_factory=list)
    files: tuple[SealedFile, ...] = ()  # to be fetched
    uploads: tuple[UUID, ...] = ()  # the citizen's own, stored before
    owner: str | None = None  # of the uploads: keyed hash

    @property
    def received_at(self) -> datetime:
        """When we took it, UTC."""
        return self.event.received_at


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes contacts of what the channels took."""

    settings: Settings
    sealer: Sealer

    def message(self, taken: MessageIn, origin: Origin, now: datetime) -> Contact:
        """A message with a fresh code; whether the code is free is the database's word."""
        occurred_at, warnings = occurrence(taken.occurred_at, now)
        if taken.place is not None and self._outside(taken.place):
            warnings.append(OUTSIDE)
        reply_to = self.address(taken, origin)
        if taken.phone and not reply_to.sms:
            warnings.append(NO_SMS)
        lane = UrgentMessageReceived if may_be_urgent(taken.text, taken.topic) else MessageReceived
        event = lane(
            at=now,
            traceparent=telemetry.traceparent(),
            code=new_code(),
            channel=origin.channel,
            platform=origin.platform,
            text=taken.text,
            kind=taken.kind,
            topic=taken.topic,
            place=place_of(taken.place),
            reply_to=reply_to,
            call_id=call_named(origin.call_id or taken.call_id, origin.channel),
            joins=origin.joins,
            occurred_at=occurred_at,
            received_at=now,
        )
        return Contact(event, origin, warnings)

    def enclosing(self, contact: Contact, files: Sequence[FileRef] = (), uploads: Sequence[UUID] = ()) -> Contact:
        """The same message with what came with it; beyond five files the rest is refused, not the message."""
        count = min(MOST, len(files) + len(uploads))
        event = contact.event.model_copy(update={"attachments": count})
        owner = owner_of(contact.origin.caller, self.sealer)
        sealed = Files(self.sealer).seal(files)
        return replace(contact, event=event, files=sealed, uploads=tuple(uploads), owner=owner)

    def reply(self, taken: MessageIn, answer: Answer, origin: Origin, now: datetime) -> Contact:
        """A 31 or 33; the code where the text names one."""
        occurred_at, warnings = occurrence(taken.occurred_at, now)
        number = taken.number
        event = ReplyReceived(
            at=now,
            traceparent=telemetry.traceparent(),
            answer=answer,
            channel=origin.channel,
            platform=origin.platform,
            code=code_in(taken.text),
            phone_lookup=self.sealer.lookup(number.e164) if number else None,
            account_lookup=self.sealer.lookup(origin.whose) if origin.account else None,
            text=taken.text,
            occurred_at=occurred_at,
            received_at=now,
        )
        return Contact(event, origin, warnings)

    def address(self, taken: MessageIn, origin: Origin) -> SealedAddress:
        """Whom to answer: by SMS where there is a number, and on the channel where there is an account."""
        number, account = taken.number, origin.account
        return SealedAddress(
            phone=self.sealer.seal(number.e164) if number else None,
            phone_lookup=self.sealer.lookup(number.e164) if number else None,
            name=self.sealer.seal(taken.name) if taken.name else None,
            sms=number is not None and number.mobile,
            account=self.sealer.seal(account) if account else None,
            account_lookup=self.sealer.lookup(origin.whose) if account else None,
        )

    def _outside(self, place: PlaceIn) -> bool:
        city = self.settings
        if place.lat is None or place.lon is None:
            return False
        return not (city.city_south <= place.lat <= city.city_north and city.city_west <= place.lon <= city.city_east)


def place_of(taken: PlaceIn | None) -> Place | None:
    """A place as events have it."""
    if taken is None:
        return None
    return Place(lat=taken.lat, lon=taken.lon, region=taken.region, address=taken.address)


def occurrence(given: datetime | None, now: datetime) -> tuple[datetime, list[str]]:
    """When it happened: what the source says, within bounds, else now and a warning."""
    if given is None:
        return now, []
    if now - FURTHEST_BACK <= given <= now + FURTHEST_AHEAD:
        return given, []
    return now, [OTHER_TIME]


def is_urgent(contact: Contact) -> bool:
    """Whether it may be urgent, and so is refused last."""
    return isinstance(contact.event, UrgentMessageReceived)


def code_in(text: str) -> str | None:
    """The first tracking code in a text, if there is one."""
    return next((code for word in text.split() if (code := parse_code(word.strip("#:()،,."))) is not None), None)


def with_new_code(contact: Contact) -> Contact:
    """The same contact with another code; the first was taken."""
    event = contact.event.model_copy(update={"code": new_code()})
    return replace(contact, event=event)
