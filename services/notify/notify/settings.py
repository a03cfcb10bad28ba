"""Settings of notify, from the environment."""

import base64
import binascii
from collections.abc import Mapping
from typing import Self

from common.settings import SealedSettings
from pydantic import Field, field_validator, model_validator

from notify.providers.app_webhook import SECRET

# Where the platforms' APIs are, by their own documents.
PLATFORMS: Mapping[str, str] = {
    "telegram": "https://api.telegram.org",
    "bale": "https://tapi.bale.ai",
    "rubika": "https://botapi.rubika.ir",
    "whatsapp": "https://graph.facebook.com/v23.0",
    "instagram": "https://graph.instagram.com/v23.0",
    "eitaa": "https://eitaayar.ir",
}
OF_AN_ACCOUNT = frozenset({"whatsapp", "instagram"})  # their addresses hold the account's id


class Settings(SealedSettings):
    """Where SMS and messages go, and what the provider must know to send receipts."""

    gateway_url: str = Field(description="base address of Kavenegar's REST, or of one that speaks it")
    gateway_key: str = Field(description="its API key", repr=False)
    gateway_sender: str = Field(description="the line that SMS come from")
    gateway_timeout: float = Field(default=10.0, gt=0, description="seconds until a call counts as lost")
    receipt_secret: str = Field(description="what the provider gives with its receipts", repr=False, min_length=16)
    messenger_tokens: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="JSON: `platform` or `platform/account` → token; of WhatsApp and Instagram the account is the id",
    )
    messenger_urls: dict[str, str] = Field(
        default_factory=dict, description="JSON: platform → base address, where it is not the platform's own"
    )
    messenger_timeout: float = Field(default=10.0, gt=0, le=20, description="seconds until a call counts as lost")
    messenger_share: float = Field(
        default=1.0, gt=0, le=1, description="share of the platforms' limits that this replica may use"
    )
    app_webhook: str | None = Field(default=None, description="where the app's server takes what its citizens are told")
    app_webhook_secret: str | None = Field(default=None, description="`whsec_…` that it is signed with", repr=False)

    def messenger_url(self, platform: str) -> str:
        """Base address of a platform's API."""
        return (self.messenger_urls.get(platform) or PLATFORMS.get(platform, "")).rstrip("/")

    @field_validator("messenger_tokens")
    @classmethod
    def _known_platforms(cls, tokens: dict[str, str]) -> dict[str, str]:
        for name in tokens:
            platform, _, account = name.partition("/")
            if platform not in PLATFORMS:
                raise ValueError(f"{platform!r} is no platform; there are {', '.join(PLATFORMS)}")
            if platform in OF_AN_ACCOUNT and not account:
                raise ValueError(f"give {platform}'s token as `{platform}/<id of the account>`")
        return tokens

    @model_validator(mode="after")
    def _signed_webhook(self) -> Self:
        if not self.app_webhook:
            return self
        secret = self.app_webhook_secret or ""
        try:
            key = base64.b64decode(secret.removeprefix(SECRET), validate=True)
        except binascii.Error:
            key = b""
        if not secret.startswith(SECRET) or not 24 <= len(key) <= 64:
            raise ValueError("app_webhook_secret must be `whsec_` and the base64 of 24 to 64 bytes")
        return self
