"""Tables of notify: what a citizen is to be told, every attempt at it, and what is still open."""

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
    """One notification or prompt and the means that was chosen for it; number and account are ciphertext. Written
    once. A notification counts once by code, revision and what is told; a prompt, which has no code, by its event.

    What became of it stands in the narrow tables below, so that no update ever copies a text; the view
    `delivery_states` puts them together: untellable, or due → sending → sent → delivered | undelivered, or failed.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("code", "revision", "told"),
        Index("deliveries_prompt", "id", unique=True, postgresql_where=text("code IS NULL")),
    )

    localid: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[UUID]  # of a prompt its event's
    code: Mapped[str | None]
    revision: Mapped[int]
    told: Mapped[str]
    means: Mapped[str]  # sms, push, or the messenger's account: `telegram`, `whatsapp/<number id>`
    priority: Mapped[int] = mapped_column(SmallInteger)  # 0 urgent, 1 the rest
    tellable: Mapped[bool]
    phone: Mapped[str | None]
    text: Mapped[str]
    parts: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime]
    traceparent: Mapped[str | None]
    account: Mapped[str | None]
    offer: Mapped[str | None]  # buttons beside the words: location, contact or answer


class Due(Base):
    """A delivery that is still to be handed over, and by which means, which is not the first one where that failed:
    when, or, while it is being sent, when the lease ends and it is sent again with the same localid. `attempts` counts
    the begun ones. What shares a `sequence` (a messenger's chat, a case that is pushed) goes one after the other."""

    __tablename__ = "due"
    __table_args__ = (
        Index("due_order", "means", "priority", "due_at"),
        Index("due_sequence", "means", "sequence", "localid", postgresql_where=text("sequence IS NOT NULL")),
    )

    localid: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    means: Mapped[str] = mapped_column(server_default="sms")
    priority: Mapped[int] = mapped_column(SmallInteger)
    due_at: Mapped[datetime]
    attempts: Mapped[int]
    sequence: Mapped[str | None]


class Attempt(Base):
    """One try with one provider, and its number for the SMS when it took it over."""

    __tablename__ = "attempts"

    localid: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    provider: Mapped[str]
    outcome: Mapped[str]  # sent, retry or refused
    provider_id: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[str | None]


class Unconfirmed(Base):
    """An SMS that the provider took over and whose receipt is awaited, for 48 hours."""

    __tablename__ = "unconfirmed"
    __table_args__ = (Index("unconfirmed_order", "check_at"),)

    provider_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    localid: Mapped[int] = mapped_column(BigInteger)
    sent_at: Mapped[datetime]
    check_at: Mapped[datetime]


class Receipt(Base):
    """The provider's word on delivery."""

    __tablename__ = "receipts"

    localid: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    outcome: Mapped[str]  # delivered or undelivered
    at: Mapped[datetime]


inbox_table(Base.metadata)
outbox_tables(Base.metadata)
