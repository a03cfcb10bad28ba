"""Tables of routing: a case for each message, and everything that happened to it."""

from datetime import datetime
from typing import Any, ClassVar, cast

from common.idempotency import first_answers_table
from common.inbox import inbox_table
from common.outbox import outbox_tables
from sqlalchemy import BigInteger, DateTime, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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
        Index("cases_escalated", "escalated_to", postgresql_where=text("escalated_to IS NOT NULL")),
        Index("cases_next_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
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
    nahiye: Mapped[int | None]
    rule: Mapped[str | None]  # the name of the rule that referred it first
    suggestions: Mapped[list[Any] | None] = mapped_column(JSONB)  # topics for a person to choose from
    counted_by: Mapped[str] = mapped_column(server_default="clock")  # what its deadlines are minutes of
    respond_by: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]  # when the clock has something to say; null when it never will
    marks: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")  # what it has said
    responded_at: Mapped[datetime | None]
    escalated_to: Mapped[str | None]  # the unit above, since the resolution was due
    waiting_since: Mapped[datetime | None]  # for the citizen
    arbitration: Mapped[str | None]  # open at the desk of that name, or decided: who has it cannot give it back
    parent: Mapped[str | None]  # code of the case of the same matter that is answered for both


class History(Base):
    """One step in a case's life; a referral is a step `refer` and its unit."""

    __tablename__ = "history"
    __table_args__ = (Index("history_bounces", "at", postgresql_where=text("step = 'bounce'")),)

    code: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str]
    status: Mapped[str]
    unit: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str | None]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None]


class Correction(Base):
    """A topic that staff put right, and why; `revision` is that of the step."""

    __tablename__ = "corrections"

    code: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    from_topic: Mapped[str | None]
    to_topic: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]


class RuleVersion(Base):
    """One version of the rules, as it was written; never changed. `valid_until` ends one that lapses by itself."""

    __tablename__ = "rule_versions"

    version: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    yaml: Mapped[str]
    author: Mapped[str]
    note: Mapped[str | None]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


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
