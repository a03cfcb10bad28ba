"""Settings of intake, from the environment."""

from pathlib import Path

from common.events import Channel
from common.settings import SealedSettings
from pydantic import Field


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

    ami: str | None = Field(default=None, description="host:port of an Asterisk manager (AMI) to listen to")
    ami_user: str = Field(default="pasokh", description="user in its manager.conf")
    ami_secret: Path | None = Field(default=None, description="file with that user's secret")
    ami_reconcile_seconds: float = Field(default=300, gt=0, description="how often its queues are compared with ours")
    cti_secret: Path | None = Field(default=None, description="file with the secret part of the CTI webhook's path")
    call_lost_seconds: float = Field(default=7200, gt=0, description="a call that waits for longer has lost its end")

    def serves(self, channel: Channel) -> bool:
        """Whether this process takes messages of a channel."""
        return channel.value in {name.strip() for name in self.channels.split(",")}
