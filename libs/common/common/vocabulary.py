"""The closed lists of words that events are made of."""

from enum import StrEnum


class Stream(StrEnum):
    """The streams; each has a dead-letter twin. Messages have two lanes, so that what may be urgent never waits."""

    MESSAGES = "messages.v1"
    URGENT = "messages.urgent.v1"
    NOTIFICATIONS = "notifications.v1"
    ACTIVITY = "activity.v1"

    @property
    def dead_letters(self) -> str:
        """Name of the dead-letter twin, e.g. `messages.v1.dlq`."""
        return f"{self.value}.dlq"


class Channel(StrEnum):
    """How a citizen reached us."""

    PHONE = "phone"
    SOCIAL = "social"
    APP = "app"


class Kind(StrEnum):
    """What a message is."""

    REQUEST = "request"
    COMPLAINT = "complaint"
    CRITICISM = "criticism"
    SUGGESTION = "suggestion"
    THANKS = "thanks"
    INQUIRY = "inquiry"


class Answer(StrEnum):
    """A citizen's reply to our answer: 31 accepts, 33 objects."""

    ACCEPTED = "accepted"
    OBJECTED = "objected"


class CallEvent(StrEnum):
    """What a telephone queue says of a call."""

    JOINED = "joined"
    OFFERED = "offered"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    ENDED = "ended"


class Told(StrEnum):
    """What a citizen is told about their case."""

    REGISTERED = "registered"
    JOINED = "joined"
    BOUNCED = "bounced"
    ASKED = "asked"
    DONE = "done"
    NO_ACTION = "no_action"
    REOPENED = "reopened"
    OUT_OF_SCOPE = "out_of_scope"
    THANKED = "thanked"
    INCIDENT = "incident"
    STATUS = "status"  # how it stands, because they asked


class Prompt(StrEnum):
    """What a channel says to a citizen outside a case: a bot's question, a caller's link."""

    WELCOME = "welcome"
    ASK_TEXT = "ask_text"
    ASK_PLACE = "ask_place"
    ASK_PHOTO = "ask_photo"
    ASK_PHONE = "ask_phone"
    NOTED = "noted"  # a place, a photo or another text for a message that was accepted
    NOT_UNDERSTOOD = "not_understood"
    UNKNOWN_CODE = "unknown_code"
    REPLY_NOTED = "reply_noted"
    CANCELLED = "cancelled"  # what was not yet a message is forgotten, as asked
    TOO_LATE = "too_late"  # a change of a message that was accepted long ago, or of an earlier one than the last
    ATTACHMENT_REFUSED = "attachment_refused"
    CALL_LINK = "call_link"
    CALLBACK_PLANNED = "callback_planned"
    CALLBACK_CLOSED = "callback_closed"


class Deflection(StrEnum):
    """Which other way a caller took who would have waited too long."""

    CALLBACK = "callback"
    LINK = "link"


class CallbackState(StrEnum):
    """Where a promised call back stands."""

    PLANNED = "planned"
    OFFERED = "offered"  # to an operator
    REACHED = "reached"
    MISSED = "missed"  # and tried again
    CLOSED = "closed"  # not reached at the last try; told by SMS


class ContactReason(StrEnum):
    """Why a contact becomes no message."""

    FOLLOW_UP = "follow_up"
    GUIDANCE = "guidance"
    OTHER_BODY = "other_body"


class Status(StrEnum):
    """Where a case stands in its life (DESIGN.md section 8)."""

    REGISTERED = "registered"
    REFERRED = "referred"
    JOINED = "joined"  # to the case of the same matter that is answered for both
    IN_PROGRESS = "in_progress"
    INSPECTED = "inspected"
    DEFERRED = "deferred"
    WAITING = "waiting"  # for the citizen
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    REOPENED = "reopened"
    CLOSED = "closed"


class Step(StrEnum):
    """What can happen to a case; routing's workflow says when."""

    REFER = "refer"
    BOUNCE = "bounce"
    ORDER_WORK = "order_work"
    RECORD_FINDING = "record_finding"
    CLOSE = "close"
    DEFER = "defer"
    CORRECT_TOPIC = "correct_topic"
    ASK_CITIZEN = "ask_citizen"
    CITIZEN_ANSWERED = "citizen_answered"
    ESCALATE = "escalate"
    COMPLETE = "complete"
    REJECT_COMPLETION = "reject_completion"
    ACCEPT = "accept"
    OBJECT = "object"
    ANSWER = "answer"
    SETTLE = "settle"
    JOIN = "join"
    FOLLOW = "follow"
    ANSWER_WITH = "answer_with"
    DETACH = "detach"
    AMEND = "amend"  # its citizen added to the message
