"""Tables of notify: what a citizen is to be told, and every attempt at it."""

from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from common.inbox import inbox_table
from common.outbox import outbox_tables
from sqlalchemy import BigInteger, DateTime, Identity, Index, SmallInteger, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Tables of this service."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


def table(model: type[Base]) -> Table:
    """The table of a model, for bulk statements."""
    return cast(Table, model.__table__)


class Delivery(Base):
    """One notification by one means; the number is ciphertext.

    State: due → sending → sent → delivered | undelivered; failed and untellable are given up. `due_at` is when to
    send, or, while sending, when the lease ends and it is sent again with the same localid.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("code", "revision", "told"),
        Index("deliveries_due", "priority", "due_at", postgresql_where=text("state IN ('due', 'sending')")),
        Index("deliveries_unconfirmed", "check_at", postgresql_where=text("state = 'sent'")),
        Index("deliveries_provider_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
    )

    localid: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[UUID]
    code: Mapped[str]
    revision: Mapped[int]
    told: Mapped[str]
    means: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger)  # 0 urgent, 1 the rest
    state: Mapped[str]
    phone: Mapped[str | None]
    text: Mapped[str]
    parts: Mapped[int] = mapped_column(SmallInteger)
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    provider_id: Mapped[int | None] = mapped_column(BigInteger)
    traceparent: Mapped[str | None]


class Attempt(Base):
    """One try with one provider."""

    __tablename__ = "attempts"

    localid: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    provider: Mapped[str]
    outcome: Mapped[str]  # sent, retry or refused
    detail: Mapped[str | None]


inbox_table(Base.metadata)
outbox_tables(Base.metadata)
