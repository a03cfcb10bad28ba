"""Settings of intake, from the environment."""

from pathlib import Path
from typing import Annotated, Self, cast

from common.app import service_of
from common.events import Channel
from common.settings import SealedSettings
from fastapi import Request
from pydantic import BeforeValidator, Field, model_validator

Secret = Annotated[str, Field(min_length=16, max_length=256, pattern=r"^[A-Za-z0-9_\-]+$")]
# Several at once are valid while one takes the place of another.
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class Settings(SealedSettings):
    """One image, three deployables: `INTAKE_CHANNELS` says which channels a process serves."""

    channels: str = Field(
        default="phone,social,app", validation_alias="INTAKE_CHANNELS", description="channels that are served"
    )
    most_waiting: int = Field(default=2000, ge=1, description="requests that may wait for their commit")
    city_south: float = Field(default=35.50, description="degrees; a point south of it is outside the city")
    city_north: float = Field(default=35.85, description="degrees")
    city_west: float = Field(default=51.05, description="degrees")
    city_east: float = Field(default=51.66, description="degrees")

    conversation_minutes: float = Field(default=10, gt=0, description="how long a bot's question waits for its answer")
    conversation_urgent_seconds: float = Field(default=60, gt=0, description="the same for what may be urgent")
    conversation_photo: bool = Field(default=True, description="whether a bot asks for a photo of what can be seen")
    telegram_bots: dict[str, Secrets] = Field(
        default={}, repr=False, description='JSON: bot → its `secret_token`, or a list of them, e.g. {"pasokh": "…"}'
    )
    bale_secrets: list[Secret] = Field(
        default=[], repr=False, description="JSON list of the last path segments that Bale may call, 16 letters or more"
    )

    rubika_secrets: list[Secret] = Field(
        default=[], repr=False, description="JSON list of what follows /rubika/ in the address that Rubika may call"
    )
    meta_app_secrets: list[Secret] = Field(
        default=[], repr=False, description="JSON list of secrets of the Meta app that sends WhatsApp's and Instagram's"
    )
    meta_verify_token: str | None = Field(
        default=None, min_length=16, repr=False, description="what Meta's handshake must know; without it there is none"
    )
    sms_secrets: list[Secret] = Field(
        default=[], repr=False, description="JSON list of the last path segments that Kavenegar may post SMS to"
    )
    sms_poll_url: str | None = Field(default=None, description="Kavenegar's base address, where SMS are asked for")
    sms_poll_key: str | None = Field(default=None, repr=False, description="its API key")
    sms_poll_line: str | None = Field(default=None, description="the line that SMS come in on")
    sms_poll_seconds: float = Field(default=10, gt=0, description="between two questions for SMS")

    routing_url: str | None = Field(default=None, description="base address of routing, for what only it knows")
    routing_token: Path | None = Field(default=None, description="file with a token of the role service for it")

    @model_validator(mode="after")
    def _can_ask_for_sms(self) -> Self:
        if self.sms_poll_url is not None and not (self.sms_poll_key and self.sms_poll_line):
            raise ValueError("PASOKH_SMS_POLL_URL needs PASOKH_SMS_POLL_KEY and PASOKH_SMS_POLL_LINE")
        return self

    def serves(self, channel: Channel) -> bool:
        """Whether this process takes messages of a channel."""
        return channel.value in {name.strip() for name in self.channels.split(",")}


def settings_of(request: Request) -> Settings:
    """The settings of the service that serves a request."""
    return cast(Settings, service_of(request).settings)
