"""What the routes of saved filters take and answer."""

from typing import Annotated, Literal
from uuid import UUID

from common.codes import parse_code
from common.events import Channel, Kind, Status
from common.persian import parse_phone
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from routing.schemas import Body, UnitCode, Words


def _nobodys(text: str) -> str:
    if parse_code(text) is not None or parse_phone(text) is not None:
        raise ValueError("a code or a telephone number is a person's; it is not saved")
    return text


class SavedQuery(Body):
    """What `GET /v1/cases` takes, but for a code or a number, which are a person's."""

    unit: UnitCode | None = None
    status: Status | None = None
    urgent: bool | None = None
    overdue: bool | None = None
    open: bool | None = None
    topic: Annotated[str, Field(max_length=40)] | None = None
    region: Annotated[int, Field(ge=1, le=22)] | None = None
    nahiye: Annotated[int, Field(ge=1, le=99)] | None = None
    kind: Kind | None = None
    channel: Channel | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    sort: Literal["work", "deadline", "received_at"] | None = None
    q: Annotated[str, Field(max_length=200), AfterValidator(_nobodys)] | None = Field(
        default=None, description="of a search"
    )


class FilterIn(Body):
    """A query under a name; with `unit` it is shared with that unit and those below it."""

    name: Annotated[Words, Field(max_length=80)]
    query: SavedQuery
    unit: UnitCode | None = None


class FilterOut(BaseModel):
    """A saved filter."""

    id: UUID
    name: str
    query: SavedQuery
    unit: str | None
    own: bool = Field(description="saved by the caller")
    created_at: AwareDatetime
