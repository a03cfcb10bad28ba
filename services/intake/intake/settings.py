"""Settings of intake, from the environment."""

from collections import Counter
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self, cast

from common.app import service_of
from common.events import Channel
from common.settings import SealedSettings
from fastapi import Request
from pydantic import BeforeValidator, Field, SecretStr, model_validator

from intake.schemas import Identifier

Secret = Annotated[str, Field(min_length=16, max_length=256, pattern=r"^[A-Za-z0-9_\-]+$")]
# Several at once are valid while one takes the place of another.
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class Settings(SealedSettings):
    """One image, three deployables: `INTAKE_CHANNELS` says which channels a process serves."""

    channels: str = Field(
        default="phone,social,app", validation_alias="INTAKE_CHANNELS", description="channels that are served"
    )
    most_waiting: int = Field(
        default=2000, ge=1, description="requests that may wait for their commit, and a quarter more that may be urgent"
    )
    citizen_per_minute: float = Field(default=60, gt=0, description="requests of one citizen or account, on average")
    citizen_burst: float = Field(default=300, ge=1, description="at once, for what was written offline")
    device_per_minute: float = Field(default=300, gt=0, description="requests of one `Device-Id`, on average")
    device_burst: float = Field(default=1000, ge=1, description="at once")
    channel_per_minute: float = Field(default=60_000, gt=0, description="contacts of one channel a process, on average")
    channel_burst: float = Field(default=20_000, ge=1, description="at once; what may be urgent is not counted")
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

    open311_keys: Path | None = Field(
        default=None, description="JSON file of Open311 clients: name to SHA-256 of its key"
    )
    open311_jurisdiction: str = Field(default="tehran.ir", description="`jurisdiction_id` of Open311")
    open311_url: str | None = Field(default=None, description="public address of `/open311/v2`; else the request's own")
    open311_type: Literal["production", "test"] = Field(
        default="production", description="what Open311's discovery says"
    )
    open311_changeset: str = Field(default="2026-01-01 00:00", description="when topics or attributes last changed")
    open311_contact: str = Field(default="137", description="who helps those who write Open311 clients")
    open311_key_service: str = Field(default="137", description="where an Open311 api_key is had")
    open311_seconds: float = Field(default=2.0, gt=0, le=60, description="how long a public list is given again")

    files_folder: Path | None = Field(default=None, description="folder of attachments; for one machine")
    files_s3: str | None = Field(default=None, description="bucket of attachments, https://host/bucket; comes first")
    files_s3_region: str = Field(default="us-east-1", description="region that the bucket expects in signatures")
    files_s3_key_id: str | None = Field(default=None, description="access key of the bucket")
    files_s3_secret: SecretStr | None = Field(default=None, description="secret key of the bucket")
    files_clamd: str | None = Field(default=None, description="host:port of ClamAV's clamd; none, none is scanned")
    files_from_loopback: bool = Field(
        default=False, description="fetch files from this machine, by http too: for the workbench alone"
    )
    messenger_tokens: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="JSON: `platform` or `platform/account` → token, as notify's; by these their files are fetched",
    )
    messenger_urls: dict[str, str] = Field(
        default_factory=dict, description="JSON: platform → base address, where it is not the platform's own"
    )
    ami: str | None = Field(default=None, description="host:port of an Asterisk manager (AMI) to listen to")
    ami_user: str = Field(default="pasokh", description="user in its manager.conf")
    ami_secret: Path | None = Field(default=None, description="file with that user's secret")
    ami_reconcile_seconds: float = Field(default=300, gt=0, description="how often its queues are compared with ours")
    cti_secret: Path | None = Field(default=None, description="file with the secret part of the CTI webhook's path")
    cti_queues: dict[str, Identifier] = Field(
        default={"137": "137"}, description="JSON: number that is called → its queue, where the webhook names none"
    )
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

    @model_validator(mode="after")
    def _can_ask_for_sms(self) -> Self:
        if self.sms_poll_url is not None and not (self.sms_poll_key and self.sms_poll_line):
            raise ValueError("PASOKH_SMS_POLL_URL needs PASOKH_SMS_POLL_KEY and PASOKH_SMS_POLL_LINE")
        return self

    @property
    def several_accounts(self) -> frozenset[str]:
        """Our accounts as `platform/account`, of the platforms where there is more than one: each answers its own."""
        named = {*self.messenger_tokens, *(f"telegram/{bot}" for bot in self.telegram_bots)}
        accounts = [tuple(name.split("/", 1)) for name in named if "/" in name]
        many = Counter(platform for platform, _ in accounts)
        return frozenset(f"{platform}/{account}" for platform, account in accounts if many[platform] > 1)

    def serves(self, channel: Channel) -> bool:
        """Whether this process takes messages of a channel."""
        return channel.value in {name.strip() for name in self.channels.split(",")}


def settings_of(request: Request) -> Settings:
    """The settings of the service that serves a request."""
    return cast(Settings, service_of(request).settings)
