"""What the Tehran Man app sends."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from intake.attachments.files import MOST
from intake.schemas import MessageIn


def _each_once(uploads: list[UUID]) -> list[UUID]:
    if len(set(uploads)) != len(uploads):
        raise ValueError("name each upload once")
    return uploads


class AppMessage(MessageIn):
    """A message from the Tehran Man app."""

    attachments: Annotated[list[UUID], AfterValidator(_each_once)] = Field(
        default_factory=list, max_length=MOST, description="uploads of the citizen's own (`POST /v1/app/uploads`)"
    )
    joins: str | None = Field(default=None, max_length=300, description="`reference` of an open case near by")
