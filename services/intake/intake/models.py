"""Tables of intake: messages as received, calls, and what was answered to which key."""

from datetime import datetime
from typing import Any, ClassVar, cast

from common.idempotency import first_answers_table
from common.outbox import outbox_tables
from sqlalchemy import Boolean, DateTime, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_moment = DateTime(timezone=True)

# Whether a caller waits: the last joining came after all that took the caller out of the queue (a call may join again,
# when an agent hands it on). Old rows, and rows of the version before, have no `last_joined_at` and no `gone_at`.
WAITING = (
    "coalesce(last_joined_at, joined_at) IS NOT NULL AND "
    "(greatest(gone_at, answered_at, abandoned_at, ended_at) >= coalesce(last_joined_at, joined_at)) IS NOT TRUE"
)


class Base(DeclarativeBase):
    """Tables of this service."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: _moment, dict[str, Any]: JSONB}


def table(model: type[Base]) -> Table:
    """The table of a model, for bulk statements."""
    return cast(Table, model.__table__)


class Message(Base):
    """A message as it was received; phone, name and account are ciphertext."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_received", "received_at"),
        Index("messages_own", "citizen", "received_at", "code", postgresql_where=text("citizen IS NOT NULL")),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    platform: Mapped[str | None]
    text: Mapped[str]
    kind: Mapped[str | None]
    topic: Mapped[str | None]
    place: Mapped[dict[str, Any] | None]
    phone: Mapped[str | None]
    phone_lookup: Mapped[str | None]
    name: Mapped[str | None]
    sms: Mapped[bool] = mapped_column(Boolean)
    account: Mapped[str | None]  # on the channel it came by, as its `reply_to` has it
    account_lookup: Mapped[str | None]
    call_id: Mapped[str | None]
    citizen: Mapped[str | None]
    taken_by: Mapped[str]  # subject of the token: app, bot or operator
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    amended: Mapped[list[Any] | None] = mapped_column(JSONB)  # what it became, each time its citizen added to it
    refusal_told_at: Mapped[datetime | None]  # that a file of it was refused


class Reply(Base):
    """A 31 or 33 as it was received; which case it is about is routing's word."""

    __tablename__ = "replies"

    id: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[str]
    channel: Mapped[str]
    platform: Mapped[str | None]
    code: Mapped[str | None]
    phone_lookup: Mapped[str | None]
    text: Mapped[str]
    taken_by: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    stars: Mapped[int | None]  # 1-5, of feedback in the app


class Call(Base):
    """A call and where it stands in its queue; each moment is set by the event of that name, in any order."""

    __tablename__ = "calls"
    __table_args__ = (
        Index(
            "calls_waiting",
            "queue",
            "joined_at",
            postgresql_where=text(WAITING),
        ),
        Index("calls_joined", "queue", "joined_at"),
        Index("calls_ended", "ended_at", postgresql_where=text("answered_at IS NOT NULL")),
    )

    call_id: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    caller: Mapped[str | None]
    leg: Mapped[str | None]  # the caller's own channel at the exchange
    agent: Mapped[str | None]
    joined_at: Mapped[datetime | None]
    last_joined_at: Mapped[datetime | None]
    offered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    abandoned_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]  # the last time that it left a queue, in whatever way
    lost_at: Mapped[datetime | None]


class CallMoment(Base):
    """An event of a call, once, however often it is sent."""

    __tablename__ = "call_moments"

    call_id: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    agent: Mapped[str | None]


first_answers_table(Base.metadata)
outbox_tables(Base.metadata)
