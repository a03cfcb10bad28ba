"""What a bot of the city's own sends."""

from typing import Annotated

from common.events import Channel
from pydantic import AfterValidator, Field

from intake.schemas import Identifier, MessageIn, Platform


def _no_channel(platform: str) -> str:
    """An account "on the app" would be the app's citizen, for whom no bot speaks; nor is notify's push a messenger."""
    if platform in {*Channel, "push"}:
        raise ValueError("not a platform that a bot is on")
    return platform


class SocialMessage(MessageIn):
    """A message that a bot took; the platform's own id makes it count once."""

    platform: Annotated[Platform, AfterValidator(_no_channel)] = Field(examples=["bale", "telegram", "sms"])
    user_id: Identifier
    message_id: Identifier
