"""Settings of intake, from the environment."""

from pathlib import Path
from typing import cast

from common.app import service_of
from common.events import Channel
from common.settings import SealedSettings
from fastapi import Request
from pydantic import Field

from intake.channels.secret import PathSecret


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

    routing_url: str | None = Field(default=None, description="base address of routing, for what only it knows")
    routing_token: Path | None = Field(default=None, description="file with a token of the role service for it")

    rubika_secrets: tuple[PathSecret, ...] = Field(
        default=(), description="JSON list of the last parts of Rubika's webhook address; several while one is replaced"
    )
    meta_app_secrets: tuple[str, ...] = Field(
        default=(), description="JSON list of the Meta app's secrets, for WhatsApp and Instagram"
    )
    meta_verify_token: str | None = Field(default=None, min_length=16, description="answers Meta's handshake")

    sms_secrets: tuple[PathSecret, ...] = Field(
        default=(), description="JSON list of the last parts of the address that Kavenegar posts SMS to"
    )
    sms_poll_url: str | None = Field(default=None, description="base address of Kavenegar's REST, to ask for SMS")
    sms_poll_key: str | None = Field(default=None, description="its API key", repr=False)
    sms_poll_line: str | None = Field(default=None, description="the line that SMS come in on")
    sms_poll_seconds: float = Field(default=10.0, gt=0, description="between two questions")

    def serves(self, channel: Channel) -> bool:
        """Whether this process takes messages of a channel."""
        return channel.value in {name.strip() for name in self.channels.split(",")}


def settings_of(request: Request) -> Settings:
    """The settings of the service that serves a request."""
    return cast(Settings, service_of(request).settings)
