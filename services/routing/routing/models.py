"""Tables of routing: a case for each message, and everything that happened to it."""

from datetime import datetime
from typing import Any, ClassVar, cast

from common.idempotency import first_answers_table
from common.inbox import inbox_table
from common.outbox import outbox_tables
from sqlalchemy import BigInteger, DateTime, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Tables of this service."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


def table(model: type[Base]) -> Table:
    """The table of a model, for bulk statements."""
    return cast(Table, model.__table__)


class Case(Base):
    """Routing's record of one message; phone and name are ciphertext."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_worklist", "unit", text("urgent DESC"), "deadline", "code"),
        Index("cases_order", text("urgent DESC"), "deadline", "code"),
        Index("cases_phone", "phone_lookup", "answered_at", postgresql_where=text("phone_lookup IS NOT NULL")),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    status: Mapped[str]
    topic: Mapped[str | None]
    kind: Mapped[str]
    text: Mapped[str]
    channel: Mapped[str]
    platform: Mapped[str | None]
    unit: Mapped[str]
    level: Mapped[str]
    region: Mapped[int | None]
    place: Mapped[dict[str, Any] | None]
    urgent: Mapped[bool]
    phone: Mapped[str | None]
    phone_lookup: Mapped[str | None]
    name: Mapped[str | None]
    sms: Mapped[bool]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    deadline: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    reasons: Mapped[dict[str, Any]]
    parent: Mapped[str | None]  # code of the case of the same matter that is answered for both


class History(Base):
    """One step in a case's life; a referral is a step `refer` and its unit."""

    __tablename__ = "history"

    code: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str]
    status: Mapped[str]
    unit: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str | None]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None]


class OpenPlace(Base):
    """What the search for duplicates needs of an open case; a narrow row that lives as long as the case is open."""

    __tablename__ = "open_places"
    __table_args__ = (
        Index(
            "open_places_near",
            "topic",
            "square",
            "opened_at",
            postgresql_where=text("parent IS NULL AND square IS NOT NULL"),
        ),
        Index(
            "open_places_own",
            "phone_lookup",
            "topic",
            "opened_at",
            postgresql_where=text("phone_lookup IS NOT NULL"),
        ),
        Index("open_places_children", "parent", postgresql_where=text("parent IS NOT NULL")),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str]
    square: Mapped[int | None] = mapped_column(BigInteger)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    region: Mapped[int | None]
    parent: Mapped[str | None]
    phone_lookup: Mapped[str | None]
    opened_at: Mapped[datetime]
    matter: Mapped[bytes]


first_answers_table(Base.metadata)
inbox_table(Base.metadata)
outbox_tables(Base.metadata)
