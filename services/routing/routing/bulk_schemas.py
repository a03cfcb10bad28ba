"""What the route of bulk actions takes and answers."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, RootModel, model_validator

from routing.schemas import Body, Bounce, Completion, Referral, WorkOrder


class SeenCase(Body):
    """A case and the revision of it that was seen, as `If-Match` says it for one."""

    code: Annotated[str, Field(pattern=r"^\d{10}$", examples=["1234567897"])]
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]


class _Many(Body):
    cases: Annotated[list[SeenCase], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({case.code for case in self.cases}) < len(self.cases):
            raise ValueError("a case may be named once")
        return self


class ManyWorkOrders(_Many):
    """The same work order for each case."""

    action: Literal["work-order"]
    body: WorkOrder = WorkOrder()


class ManyCompletions(_Many):
    """The same completion of each case."""

    action: Literal["completion"]
    body: Completion


class ManyReferrals(_Many):
    """Each case to another unit."""

    action: Literal["referral"]
    body: Referral


class ManyBounces(_Many):
    """Each case back."""

    action: Literal["bounce"]
    body: Bounce


class Bulk(
    RootModel[Annotated[ManyWorkOrders | ManyCompletions | ManyReferrals | ManyBounces, Field(discriminator="action")]]
):
    """One step for many cases; `body` is that of the step's own route."""


class ResultOut(BaseModel):
    """What became of one case of many."""

    code: str
    status: Literal["done", "refused"]
    revision: int | None = Field(description="of the case now; null where the caller may not know of it")
    problem: dict[str, Any] | None = Field(description="why it was refused, as the step's own route says it")


class BulkOut(BaseModel):
    """A result for each case, in the order asked."""

    done: int
    refused: int
    results: list[ResultOut]
