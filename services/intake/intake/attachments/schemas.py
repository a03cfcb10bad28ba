"""What is asked and answered about attachments."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from intake.attachments.content import LARGEST
from intake.attachments.models import State

MediaType = Literal[
    "image/jpeg", "image/png", "image/webp", "video/mp4", "audio/mp4", "audio/ogg", "audio/mpeg", "application/pdf"
]


class UploadIn(BaseModel):
    """A file that the app is about to upload."""

    model_config = ConfigDict(extra="forbid")

    media_type: MediaType
    size: int = Field(ge=1, le=LARGEST, description="bytes", examples=[2_400_000])


class UploadLink(BaseModel):
    """Where the bytes go: PUT them to `url`, then name `id` in the message, within a day."""

    id: UUID
    url: str = Field(description="relative to this service's address; signed")
    expires_at: AwareDatetime


class Stored(BaseModel):
    """An upload that is there."""

    id: UUID
    media_type: str = Field(description="by content, whatever was announced")
    size: int = Field(description="bytes as stored, of an image without what stood beside the picture")


class AttachmentOut(BaseModel):
    """A file of a message."""

    id: UUID
    kind: str = Field(description="photo, voice, video or document, by its sender's word")
    state: State
    reason: str | None = Field(description="why there are no bytes, of one that is refused or gone")
    media_type: str | None
    size: int | None = Field(description="bytes")
    lat: float | None = Field(description="where a photo says that it was taken; a hint, degrees")
    lon: float | None
    taken_at: AwareDatetime | None
    url: str | None = Field(description="of one that is stored: relative to this service's address; signed")
    expires_at: AwareDatetime | None
