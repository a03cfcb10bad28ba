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
