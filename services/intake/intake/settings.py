"""Settings of intake, from the environment."""

from datetime import time
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

    overflow_seconds: float = Field(default=180, gt=0, description="a caller who may wait longer is offered other ways")
    bot_link: str | None = Field(
        default=None, description="link to a bot for callers, `{call}` for the call, e.g. of t.me/bot?start={call}"
    )
    app_link: str | None = Field(default=None, description="link to the app for callers, likewise")
    operators_morning: int = Field(default=40, ge=0, description="operators at work, by shift; callbacks go by it")
    operators_noon: int = Field(default=25, ge=0, description="likewise")
    operators_night: int = Field(default=10, ge=0, description="likewise")
    callback_share: float = Field(default=0.15, ge=0, le=1, description="of the operators' time, for callbacks")
    callback_opens: time = Field(default=time(8), description="from when citizens are rung up, Tehran")
    callback_closes: time = Field(default=time(22), description="until when")
    callback_pause_seconds: float = Field(
        default=900, gt=0, description="before one who was not reached is tried again"
    )
    callback_lease_seconds: float = Field(default=300, gt=0, description="for which an operator has a callback")
    callback_keep_hours: float = Field(
        default=48, gt=0, description="a callback that nobody made is closed after these"
    )
    ivr_file: Path | None = Field(
        default=None, description="CSV of campaign, key, topic; else the one that comes along"
    )

    def serves(self, channel: Channel) -> bool:
        """Whether this process takes messages of a channel."""
        return channel.value in {name.strip() for name in self.channels.split(",")}
