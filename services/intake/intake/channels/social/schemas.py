"""What a bot of the city's own sends."""

from pydantic import Field

from intake.schemas import Identifier, MessageIn, Platform


class SocialMessage(MessageIn):
    """A message that a bot took; the platform's own id makes it count once."""

    platform: Platform = Field(examples=["bale", "telegram", "sms"])
    user_id: Identifier
    message_id: Identifier
