"""Settings of routing, from the environment."""

from pathlib import Path

from common.settings import SealedSettings
from pydantic import Field


class Settings(SealedSettings):
    """Routing opens phone numbers for those who must call, and knows the city by its boundaries where it has them."""

    regions: Path | None = Field(default=None, description="GeoJSON of the regions, `area` their number")
    nahiye: Path | None = Field(default=None, description="GeoJSON of the nahiye, `region` and `nahiye` their numbers")
