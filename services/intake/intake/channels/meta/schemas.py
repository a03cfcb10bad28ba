"""What Meta posts for WhatsApp and Instagram. Envelopes hold parts that are read one by one: one bad part is one."""

from typing import Any

from pydantic import Field

from intake.channels.wire import Wire, WireId


class Change(Wire):
    """A change that an app subscribed to."""

    field: str = ""
    value: dict[str, Any] = Field(default_factory=dict)


class Entry(Wire):
    """What happened to one account: WhatsApp's as changes, Instagram's as messaging."""

    id: str = ""
    changes: list[Any] = Field(default_factory=list)
    messaging: list[Any] = Field(default_factory=list)


class MetaBody(Wire):
    """A batch: up to a thousand updates of several accounts."""

    object: str = Field(examples=["whatsapp_business_account"])
    entry: list[Any]


class WhatsAppValue(Wire):
    """Messages of citizens, and what became of ours."""

    metadata: Any = None  # of our number that was written to; unreadable, it costs no message
    messages: list[Any] = Field(default_factory=list)
    statuses: list[Any] = Field(default_factory=list)


class Text(Wire):
    """Words."""

    body: str | None = None


class Media(Wire):
    """A file that Meta keeps for some days, fetched by its id."""

    id: WireId
    mime_type: str | None = Field(default=None, max_length=100)
    caption: str | None = None
    filename: str | None = None


class Location(Wire):
    """A place that was sent, degrees."""

    latitude: float | str | None = None
    longitude: float | str | None = None


class CardPhone(Wire):
    """A number of a contact card; `wa_id` where it is on WhatsApp."""

    phone: str | None = None
    wa_id: str | None = None


class Card(Wire):
    """Somebody's contact card."""

    phones: list[CardPhone] = Field(default_factory=list)


class Choice(Wire):
    """A button or a line of a list that was pressed."""

    id: str | None = Field(default=None, max_length=256)
    title: str | None = None


class Interactive(Wire):
    """The answer to a message with buttons or a list."""

    button_reply: Choice | None = None
    list_reply: Choice | None = None


class TemplateButton(Wire):
    """A button of a template that was pressed."""

    payload: str | None = Field(default=None, max_length=256)
    text: str | None = None


class WhatsAppContent(Wire):
    """What a message says."""

    type: str = ""
    text: Text | None = None
    image: Media | None = None
    audio: Media | None = None
    video: Media | None = None
    document: Media | None = None
    location: Location | None = None
    contacts: list[Card] = Field(default_factory=list)
    interactive: Interactive | None = None
    button: TemplateButton | None = None


class WhatsAppEdit(Wire):
    """A message as it is after a change."""

    original_message_id: WireId
    message: WhatsAppContent


class WhatsAppMessage(WhatsAppContent):
    """One message. Who adopted a user name may send without `from`, and is then known by `from_user_id`."""

    id: WireId
    sender: WireId | None = Field(default=None, alias="from")
    from_user_id: WireId | None = None
    group_id: str | None = None
    timestamp: str | None = None
    edit: WhatsAppEdit | None = None


class StatusError(Wire):
    """Why one of our messages was not delivered."""

    code: int | None = None


class WhatsAppStatus(Wire):
    """What became of one of our messages."""

    status: str = Field(max_length=32)
    errors: list[StatusError] = Field(default_factory=list)


class Party(Wire):
    """A side of an Instagram conversation."""

    id: WireId


class Payload(Wire):
    """Where an attachment is, for a while."""

    url: str | None = Field(default=None, max_length=4000)


class Attachment(Wire):
    """A file of an Instagram message, or something shared."""

    type: str = ""
    payload: Payload | None = None


class QuickReply(Wire):
    """A quick reply that was pressed."""

    payload: str | None = Field(default=None, max_length=256)


class Referral(Wire):
    """The link that brought somebody here."""

    ref: str | None = Field(default=None, max_length=200)


class InstagramMessage(Wire):
    """A direct message; an echo is one of our own."""

    mid: WireId
    text: str | None = None
    is_echo: bool = False
    is_deleted: bool = False
    quick_reply: QuickReply | None = None
    attachments: list[Attachment] = Field(default_factory=list)


class MessageEdit(Wire):
    """A message after a change."""

    mid: WireId
    text: str | None = None
    num_edit: str = "0"


class Postback(Wire):
    """A button of a message or of the menu that was pressed."""

    mid: WireId | None = None
    payload: str | None = Field(default=None, max_length=256)
    referral: Referral | None = None


class InstagramEvent(Wire):
    """One thing that happened in an Instagram conversation; reads and reactions have none of these parts."""

    sender: Party
    timestamp: str | None = None
    message: InstagramMessage | None = None
    message_edit: MessageEdit | None = None
    postback: Postback | None = None
    referral: Referral | None = None
