"""What the routes of the rules take and answer."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from routing.rulebook import Draft
from routing.schemas import Body, Words

MOST_CASES = 5000  # of a preview
_FIRST, _AFTER_LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
Moment = Annotated[AwareDatetime, Field(ge=_FIRST, lt=_AFTER_LAST)]  # the years in which periods of rules lie
Yaml = Annotated[
    str, Field(min_length=1, examples=["rules:\n- name: everything by the topic\n  then: {unit: topic}\n"])
]


class NewRules(Body):
    """A version to add. `based_on` is the `newest` that its author has seen."""

    yaml: Yaml
    note: Words = Field(description="what was changed, and why")
    valid_from: Moment | None = Field(default=None, description="at once, when it is past or not given")
    valid_until: Moment | None = Field(default=None, description="when it lapses by itself")
    based_on: int = Field(ge=0)

    def draft(self, author: str, now: datetime) -> Draft:
        """As a draft of this author."""
        return Draft(self.yaml, author, self.valid_from or now, self.note, self.valid_until, self.based_on)


class AddedOut(BaseModel):
    """A version that was stored. `unproven` are rules of which it could not be told in time if they ever fit."""

    version: int
    begins: AwareDatetime
    unproven: list[str]


class VersionOut(BaseModel):
    """One version of the rules."""

    version: int
    author: str
    note: str | None
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None
    created_at: AwareDatetime
    in_force: bool


class RulesOut(VersionOut):
    """A version with its text. `newest` is the version that was added last, to be given as `based_on`."""

    newest: int
    yaml: str


class Changed(Body):
    """A changed rule set, to see what it would do."""

    yaml: Yaml
    last: Annotated[int, Field(ge=1, le=MOST_CASES)] = 1000


class MovedOut(BaseModel):
    """A case that would go to another unit, and by which rule of the changed set."""

    code: str
    before: str
    after: str
    rule: str


class PreviewOut(BaseModel):
    """The cases that would move, the newest first, of so many; what they are compared with are the rules in force.

    Units are those that the rules give, before it is seen who is on duty.
    """

    moved: list[MovedOut]
    looked_at: int
    in_force: int | None
    unproven: list[str]


class ReferralsOut(BaseModel):
    """How many cases a rule referred, and how many of them bounced; `rate` is their share, 0 to 1."""

    rule: str
    referred: int
    bounces: int
    rate: float
