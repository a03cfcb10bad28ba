"""Every event that crosses Kafka, in the order in which a message meets them. Start reading here.

An event is a past participle with its name, its stream and its key. Within a version only optional
fields are added; readers ignore what they do not know; `tests/contract/golden` holds one JSON per version.
The envelope's attributes (`id`, `at`, `traceparent`) travel as headers and stay out of the body.
"""

from uuid import UUID

from pydantic import AwareDatetime, Field

from common.event import CaseEvent as CaseEvent
from common.event import Event as Event
from common.event import IncidentEvent as IncidentEvent
from common.event import Place as Place
from common.event import SealedAddress as SealedAddress
from common.vocabulary import Answer as Answer
from common.vocabulary import CallbackState as CallbackState
from common.vocabulary import CallEvent as CallEvent
from common.vocabulary import Channel as Channel
from common.vocabulary import ContactReason as ContactReason
from common.vocabulary import Deflection as Deflection
from common.vocabulary import Kind as Kind
from common.vocabulary import Prompt as Prompt
from common.vocabulary import Status as Status
from common.vocabulary import Step as Step
from common.vocabulary import Stream as Stream
from common.vocabulary import Told as Told


class MessageReceived(CaseEvent, name="message.received.v1", stream=Stream.MESSAGES):
    """A citizen's message was accepted and has its code. intake → routing."""

    channel: Channel
    platform: str | None = None
    text: str
    kind: Kind | None = None
    topic: str | None = None
    place: Place | None = None
    reply_to: SealedAddress = SealedAddress()
    call_id: str | None = None
    attachments: int = 0  # that came with it; more may come later
    joins: str | None = None  # code of the open case that its citizen says it is the same as
    occurred_at: AwareDatetime
    received_at: AwareDatetime


class UrgentMessageReceived(MessageReceived, name="urgent.message.received.v1", stream=Stream.URGENT):
    """A message that may be urgent, in the lane of its own; routing has the last word. intake → routing."""


class MessageAmended(CaseEvent, name="message.amended.v1", stream=Stream.MESSAGES):
    """A citizen added to a message that was accepted: what it says from now on. intake → routing."""

    channel: Channel
    platform: str | None = None
    text: str | None = None  # the whole of it as it is now; None, as place, where it is as it was
    place: Place | None = None
    attachments: int = 0  # that the message has by now, where files came
    received_at: AwareDatetime  # of two amendments the later one counts, in whatever order they come


class UrgentMessageAmended(MessageAmended, name="urgent.message.amended.v1", stream=Stream.URGENT):
    """The same, of what may be urgent or may have gone by the urgent lane. intake → routing."""


class ReplyReceived(Event, name="reply.received.v1", stream=Stream.MESSAGES):
    """A citizen answered our answer with 31 or 33; routing finds the case. intake → routing."""

    answer: Answer
    channel: Channel
    platform: str | None = None
    code: str | None = None
    phone_lookup: str | None = None
    account_lookup: str | None = None
    text: str | None = None
    stars: int | None = None  # 1-5, of feedback in the app
    occurred_at: AwareDatetime
    received_at: AwareDatetime

    @property
    def key(self) -> str:
        return self.code or self.phone_lookup or self.account_lookup or str(self.id)


class StatusAsked(CaseEvent, name="status.asked.v1", stream=Stream.MESSAGES):
    """A citizen asks how a case stands, and is told on the channel that they asked on. intake → routing."""

    channel: Channel
    platform: str | None = None
    reply_to: SealedAddress


class NotificationRequested(CaseEvent, name="notification.requested.v1", stream=Stream.NOTIFICATIONS):
    """A citizen must be told something about their case. routing → notify."""

    revision: int  # the case's; of what an incident's members are told, the announcement's number
    told: Told
    unit_title: str
    topic_title: str
    outcome: str | None = None  # what was done, or why nothing was; in the citizen's language
    urgent: bool = False
    channel: Channel
    platform: str | None = None
    reply_to: SealedAddress


class PromptRequested(Event, name="prompt.requested.v1", stream=Stream.NOTIFICATIONS):
    """A channel must say something outside a case: a bot's question, a caller's link. intake, routing → notify."""

    prompt: Prompt
    values: dict[str, str] = Field(default_factory=dict)  # for the words: `code`, `url`, `at`
    channel: Channel
    platform: str | None = None
    reply_to: SealedAddress

    @property
    def key(self) -> str:
        return self.reply_to.account_lookup or self.reply_to.phone_lookup or str(self.id)


class CallChanged(Event, name="call.changed.v1", stream=Stream.ACTIVITY):
    """A call joined the queue, was offered, answered, abandoned or ended. intake → reporting."""

    call_id: str
    queue: str
    event: CallEvent
    agent: str | None = None
    lost: bool = False  # an end that nobody told: the exchange no longer knows the call

    @property
    def key(self) -> str:
        return self.call_id


class CallDeflected(Event, name="call.deflected.v1", stream=Stream.ACTIVITY):
    """A caller who would have waited too long took another way. intake → reporting."""

    call_id: str
    queue: str
    to: Deflection
    estimate_seconds: float  # the wait that was expected

    @property
    def key(self) -> str:
        return self.call_id


class CallbackChanged(Event, name="callback.changed.v1", stream=Stream.ACTIVITY):
    """A promised call back was planned, offered, reached, missed or closed. intake → reporting."""

    call_id: str
    queue: str
    state: CallbackState
    attempt: int = 0

    @property
    def key(self) -> str:
        return self.call_id


class ContactRecorded(Event, name="contact.recorded.v1", stream=Stream.ACTIVITY):
    """A contact that became no message: a follow-up, guidance, another body's matter. intake → reporting."""

    channel: Channel
    platform: str | None = None
    reason: ContactReason
    code: str | None = None  # of the case that was followed up
    call_id: str | None = None

    @property
    def key(self) -> str:
        return self.code or self.call_id or str(self.id)


class CaseOpened(CaseEvent, name="case.opened.v1", stream=Stream.ACTIVITY):
    """A message became a case and was referred to the unit that must act. routing → reporting."""

    revision: int
    channel: Channel
    platform: str | None = None
    kind: Kind
    topic: str
    deputy: str
    unit: str
    level: str  # nahiye, region or hq
    region: int | None = None
    nahiye: int | None = None
    urgent: bool
    rule: str | None = None  # the name of the rule that chose the unit
    parent: str | None = None  # the case of the same matter that it was joined to
    call_id: str | None = None
    occurred_at: AwareDatetime
    received_at: AwareDatetime
    deadline: AwareDatetime


class DeadlinePassed(CaseEvent, name="deadline.passed.v1", stream=Stream.ACTIVITY):
    """The time of a case has run so far that someone must know. routing → reporting."""

    revision: int
    mark: str  # response_overdue, warning or breach
    due_at: AwareDatetime  # when it fell due, which may be before anyone looked
    unit: str
    escalated_to: str | None = None  # the unit above that watches over the case from now on; of a breach


class CaseMoved(CaseEvent, name="case.moved.v1", stream=Stream.ACTIVITY):
    """A case took a step in its workflow. routing → reporting."""

    revision: int
    step: Step
    status: Status
    unit: str
    level: str
    topic: str | None = None  # of a correction, the right one
    reason: str | None = None
    by: str | None = None  # the staff member's subject, never a citizen's
    channel: Channel | None = None  # of a citizen's reply
    platform: str | None = None
    deadline: AwareDatetime | None = None
    parent: str | None = None  # of a case that is answered with another
    stars: int | None = None  # of a citizen's feedback


class IncidentOpened(IncidentEvent, name="incident.opened.v1", stream=Stream.ACTIVITY):
    """A topic family runs far above what is ordinary somewhere. routing → reporting."""

    first_seen: AwareDatetime


class IncidentChanged(IncidentEvent, name="incident.changed.v1", stream=Stream.ACTIVITY):
    """An incident gained cases or areas, was confirmed, or was merged into another. routing → reporting."""

    state: str  # open, confirmed, closed or merged
    merged_into: UUID | None = None
    by: str | None = None  # the supervisor's subject


class IncidentClosed(IncidentEvent, name="incident.closed.v1", stream=Stream.ACTIVITY):
    """An incident was closed: by a supervisor, or by itself when all was calm. routing → reporting."""

    by: str | None = None


class NotificationSent(CaseEvent, name="notification.sent.v1", stream=Stream.ACTIVITY):
    """A provider took a notification over. notify → reporting."""

    notification: UUID
    told: Told
    means: str
    parts: int
    attempts: int


class NotificationDelivered(CaseEvent, name="notification.delivered.v1", stream=Stream.ACTIVITY):
    """The provider says that the citizen's device has it. notify → reporting."""

    notification: UUID
    told: Told
    means: str


class NotificationFailed(CaseEvent, name="notification.failed.v1", stream=Stream.ACTIVITY):
    """A notification was given up, or could not be delivered. notify → reporting."""

    notification: UUID
    told: Told
    means: str
    reason: str


EVENTS: tuple[type[Event], ...] = (
    MessageReceived,
    UrgentMessageReceived,
    MessageAmended,
    UrgentMessageAmended,
    ReplyReceived,
    StatusAsked,
    NotificationRequested,
    PromptRequested,
    CallChanged,
    CallDeflected,
    CallbackChanged,
    ContactRecorded,
    CaseOpened,
    DeadlinePassed,
    CaseMoved,
    IncidentOpened,
    IncidentChanged,
    IncidentClosed,
    NotificationSent,
    NotificationDelivered,
    NotificationFailed,
)
BY_NAME = {event.name: event for event in EVENTS}
