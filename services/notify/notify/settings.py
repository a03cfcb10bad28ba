"""Settings of notify, from the environment."""

from common.settings import SealedSettings
from pydantic import Field


class Settings(SealedSettings):
    """Where SMS go, and what the provider must know to send receipts."""

    gateway_url: str = Field(description="base address of Kavenegar's REST, or of one that speaks it")
    gateway_key: str = Field(description="its API key", repr=False)
    gateway_sender: str = Field(description="the line that SMS come from")
    gateway_timeout: float = Field(default=10.0, gt=0, description="seconds until a call counts as lost")
    receipt_secret: str = Field(description="what the provider gives with its receipts", repr=False, min_length=16)
