"""The closed lists of words that events are made of."""

from enum import StrEnum


class Stream(StrEnum):
    """The three streams; each has a dead-letter twin."""

    MESSAGES = "messages.v1"
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
