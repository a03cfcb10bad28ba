"""What is published and stored of a conversation: a draft as a message, the words of a bot as a prompt."""

from dataclasses import dataclass
from datetime import datetime

from common.auth import Caller, Role
from common.events import (
    Channel,
    ContactReason,
    ContactRecorded,
    Event,
    MessageAmended,
    Prompt,
    PromptRequested,
    SealedAddress,
    StatusAsked,
    UrgentMessageAmended,
)

from intake.contact import Contact, Origin, Reader, place_of
from intake.conversation.draft import LONGEST_ADDRESS, Draft
from intake.conversation.heard import platform_of
from intake.conversation.machine import Reply
from intake.schemas import MessageIn, PlaceIn

SMS = "sms"  # the platform that is answered by SMS
NUMBERED = {SMS: "", "whatsapp": "+"}  # platforms whose accounts are telephone numbers, and what these lack
WORDLESS = "پیام بدون متن، با پیوست"


@dataclass(frozen=True, slots=True)
class Chat:
    """Where a citizen is heard and answered."""

    platform: str  # or `platform/account` of ours
    account: str

    @property
    def phone(self) -> str | None:
        """The number that the account is, on the platforms where it is one."""
        lacks = NUMBERED.get(platform_of(self.platform))
        if lacks is None or not self.account.removeprefix("+").isdigit():  # WhatsApp lets one hide it
            return None
        return f"{lacks}{self.account}"

    def origin(self, call_id: str | None = None) -> Origin:
        """Where its contacts come from."""
        caller = Caller(f"webhook:{self.platform}", frozenset({Role.BOT.value}))
        account = None if self.platform == SMS else self.account
        return Origin(Channel.SOCIAL, caller, platform=self.platform, account=account, call_id=call_id)


@dataclass(frozen=True, slots=True)
class Contacts:
    """Makes contacts and events for one chat."""

    reader: Reader
    chat: Chat
    now: datetime

    def messages(self, draft: Draft) -> list[Contact]:
        """A draft as a message; as several only when it is longer than one can be. The files go with the first."""
        origin = self.chat.origin(draft.call_id)
        made = [self.reader.message(self._taken(draft, text), origin, self.now) for text in draft.texts()]
        return [self.reader.enclosing(made[0], draft.files), *made[1:]] if draft.files else made

    def reply(self, reply: Reply, at: datetime | None) -> Contact:
        """A 31 or 33."""
        taken = MessageIn.model_construct(text=reply.text, phone=self.chat.phone, occurred_at=at)
        return self.reader.reply(taken, reply.answer, self.chat.origin(), self.now)

    def say(self, prompt: Prompt, code: str | None) -> Event:
        """Something for notify to tell; the code of what was added to is among the words."""
        return PromptRequested(
            at=self.now,
            prompt=prompt,
            values={"code": code} if code and prompt is Prompt.NOTED else {},
            channel=Channel.SOCIAL,
            platform=self.chat.platform,
            reply_to=self._address(),
        )

    def status(self, code: str) -> list[Event]:
        """A question after a case: for routing to answer, and for reporting to count."""
        platform = self.chat.platform
        follow_up = ContactReason.FOLLOW_UP
        return [
            StatusAsked(at=self.now, code=code, channel=Channel.SOCIAL, platform=platform, reply_to=self._address()),
            ContactRecorded(at=self.now, channel=Channel.SOCIAL, platform=platform, reason=follow_up, code=code),
        ]

    def amended(self, code: str, draft: Draft | None, attachments: int) -> MessageAmended:
        """A message as it is now. It takes the urgent lane where its own may have been that one: there it can wait
        for the message's case, see `routing.lanes`."""
        bulk = draft is not None and not draft.urgent
        taken = self._taken(draft, draft.words) if draft is not None else None
        return (MessageAmended if bulk else UrgentMessageAmended)(
            at=self.now,
            code=code,
            channel=Channel.SOCIAL,
            platform=self.chat.platform,
            text=taken.text if taken else None,
            place=place_of(taken.place) if taken else None,
            attachments=attachments,
            received_at=self.now,
        )

    def _address(self) -> SealedAddress:
        taken = MessageIn.model_construct(text="", phone=self.chat.phone, name=None)
        return self.reader.address(taken, self.chat.origin())

    def _taken(self, draft: Draft, text: str) -> MessageIn:
        """What the machine put together needs no second look: its texts are normalised, and bounded by themselves."""
        return MessageIn.model_construct(
            text=text or WORDLESS,
            kind=None,
            topic=None,
            name=None,
            place=_place(draft),
            phone=draft.phone or self.chat.phone,
            occurred_at=draft.since,
        )


def _place(draft: Draft) -> PlaceIn | None:
    point, address = draft.point, draft.address
    if point is None and address is None:
        return None
    return PlaceIn.model_construct(
        lat=point.lat if point else None,
        lon=point.lon if point else None,
        region=None,
        address=address.text[:LONGEST_ADDRESS] if address else None,
    )
