"""Tables of the overflow: what a caller was offered and took, callbacks, and contacts that became no message."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from intake.models import Base


class Decision(Base):
    """What a caller had to expect when they joined, and which way they took; number and lookup as everywhere."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("decisions_caller", "caller_lookup", "asked_at", postgresql_where=text("caller_lookup IS NOT NULL")),
        Index("decisions_asked", "asked_at"),
    )

    call_id: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    caller: Mapped[str | None]
    caller_lookup: Mapped[str | None]
    mobile: Mapped[bool]
    estimate_seconds: Mapped[float]
    at_most_seconds: Mapped[float]
    options: Mapped[list[str]] = mapped_column(ARRAY(Text))
    topic: Mapped[str | None]  # by the keys that were pressed
    callback_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    choice: Mapped[str | None]
    url: Mapped[str | None]
    chosen_at: Mapped[datetime | None]


class Callback(Base):
    """A promised call back. `asked_at` is the caller's place in the queue; `due_at` moves with every miss."""

    __tablename__ = "callbacks"
    __table_args__ = (
        Index("callbacks_due", "due_at", postgresql_where=text("closed_at IS NULL")),
        Index("callbacks_asked", "asked_at"),
    )

    call_id: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    caller: Mapped[str]
    caller_lookup: Mapped[str]
    mobile: Mapped[bool]
    topic: Mapped[str | None]
    asked_at: Mapped[datetime]
    promised_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[str]
    misses: Mapped[int]
    leased_by: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class DeskContact(Base):
    """A call that opened no case, and why."""

    __tablename__ = "desk_contacts"
    __table_args__ = (
        UniqueConstraint("call_id", "reason", "code", postgresql_nulls_not_distinct=True, name="desk_contacts_once"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[str]
    reason: Mapped[str]
    code: Mapped[str | None]
    taken_by: Mapped[str]
    at: Mapped[datetime]
