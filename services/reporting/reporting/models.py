"""Facts, as the events told them. What a report says is derived from these rows, never stored beside them."""

from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from common.inbox import inbox_table
from common.outbox import outbox_tables
from sqlalchemy import DateTime, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Tables of this service."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


def table(model: type[Base]) -> Table:
    """The table of a model, for bulk statements."""
    return cast(Table, model.__table__)


class Call(Base):
    """A call and the moments of its queue."""

    __tablename__ = "calls"
    __table_args__ = (Index("calls_first_at", "first_at"),)

    call_id: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    first_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]
    offered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    abandoned_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class CaseFact(Base):
    """A case as it was opened."""

    __tablename__ = "case_facts"
    __table_args__ = (Index("case_facts_occurred_at", "occurred_at"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    platform: Mapped[str | None]
    kind: Mapped[str]
    topic: Mapped[str]
    deputy: Mapped[str]
    unit: Mapped[str]
    level: Mapped[str]
    region: Mapped[int | None]
    urgent: Mapped[bool]
    call_id: Mapped[str | None]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    deadline: Mapped[datetime]
    parent: Mapped[str | None]  # the case of the same matter that it was joined to when it was opened


class MoveFact(Base):
    """One step of a case."""

    __tablename__ = "moves"
    __table_args__ = (Index("moves_at", "at"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str]
    status: Mapped[str]
    unit: Mapped[str]
    level: Mapped[str]
    topic: Mapped[str | None]  # of a correction
    at: Mapped[datetime]
    reason: Mapped[str | None]
    by: Mapped[str | None]
    channel: Mapped[str | None]
    parent: Mapped[str | None]
    stars: Mapped[int | None]  # 1-5, of a citizen's feedback
    deadline: Mapped[datetime | None]  # in force after the step


class DeadlineFact(Base):
    """Time that ran out, or nearly; of one case and mark again only where the case was opened again."""

    __tablename__ = "deadline_facts"

    code: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    revision: Mapped[int]
    unit: Mapped[str]
    escalated_to: Mapped[str | None]
    at: Mapped[datetime]


class NotificationFact(Base):
    """What became of one notification."""

    __tablename__ = "notification_facts"
    __table_args__ = (Index("notification_facts_code", "code"),)

    notification: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    told: Mapped[str]
    means: Mapped[str]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    parts: Mapped[int | None]


class IncidentFact(Base):
    """An event in the city behind many messages, as its latest event told it."""

    __tablename__ = "incident_facts"
    __table_args__ = (Index("incident_facts_opened_at", "opened_at"),)

    incident: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int]
    family: Mapped[str]
    state: Mapped[str]
    regions: Mapped[list[int]] = mapped_column(JSONB)
    nahiye: Mapped[list[str]] = mapped_column(JSONB)
    first_seen: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None]


class IncidentMember(Base):
    """A case that is part of an incident; its own table, for the two are told in no order."""

    __tablename__ = "incident_members"
    __table_args__ = (Index("incident_members_incident", "incident"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    incident: Mapped[UUID]


class Deflected(Base):
    """A caller who would have waited too long and took another way: `callback` or `link`."""

    __tablename__ = "deflections"
    __table_args__ = (Index("deflections_at", "at"),)

    call_id: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str]
    way: Mapped[str]
    estimate_seconds: Mapped[float]
    at: Mapped[datetime]


class CallbackFact(Base):
    """A moment of a promised call back."""

    __tablename__ = "callback_facts"

    call_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class ContactFact(Base):
    """A contact that became no message."""

    __tablename__ = "contact_facts"
    __table_args__ = (Index("contact_facts_at", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str]
    platform: Mapped[str | None]
    reason: Mapped[str]
    code: Mapped[str | None]
    call_id: Mapped[str | None]
    at: Mapped[datetime]


FACTS = (
    *(Call, CaseFact, MoveFact, DeadlineFact, NotificationFact, IncidentFact, IncidentMember),
    *(Deflected, CallbackFact, ContactFact),
)
inbox_table(Base.metadata)
outbox_tables(Base.metadata)  # empty: reporting publishes nothing, but its relay and partitions are every service's
