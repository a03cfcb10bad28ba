"""Settings of intake, from the environment."""

from pathlib import Path
from typing import Literal

from common.events import Channel
from common.settings import SealedSettings
from pydantic import Field, SecretStr


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

    def serves(self, channel: Channel) -> bool:
        """Whether this process takes messages of a channel."""
        return channel.value in {name.strip() for name in self.channels.split(",")}
