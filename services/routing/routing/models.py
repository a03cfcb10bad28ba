"""Tables of routing: a case for each message, and everything that happened to it."""

from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from common.event import SealedAddress
from common.idempotency import first_answers_table
from common.inbox import inbox_table
from common.outbox import outbox_tables
from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
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


SIFTED = ["unit", "topic", "region", "kind", "channel"]  # what a list is narrowed by, read without the row


class Case(Base):
    """Routing's record of one message; phone and name are ciphertext."""

    __tablename__ = "cases"
    __table_args__ = (
        # By status, so that a million closed cases stand in nobody's way; topic and the rest are read in the index.
        Index("cases_worklist", "unit", "status", "urgent", "deadline", "code", postgresql_include=["topic"]),
        Index("cases_order", "status", "urgent", "deadline", "code", postgresql_include=SIFTED),
        Index("cases_received", "received_at", "code", postgresql_include=["topic", "status"]),
        Index("cases_phone", "phone_lookup", "answered_at", postgresql_where=text("phone_lookup IS NOT NULL")),
        Index("cases_account", "account_lookup", "answered_at", postgresql_where=text("account_lookup IS NOT NULL")),
        Index("cases_escalated", "escalated_to", postgresql_where=text("escalated_to IS NOT NULL")),
        Index("cases_next_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
        Index("cases_incident", "incident", "code", postgresql_where=text("incident IS NOT NULL")),
        Index("cases_topic", "topic", "received_at"),
        Index("cases_children", "parent", "code", postgresql_where=text("parent IS NOT NULL")),
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
    incident: Mapped[UUID | None]
    possible_duplicates: Mapped[list[Any] | None] = mapped_column(JSONB)  # codes and why, for a person to say
    account: Mapped[str | None]  # the citizen's, on the channel the message came by; ciphertext
    account_lookup: Mapped[str | None]
    attachments: Mapped[int] = mapped_column(server_default="0")  # that came with the message; intake has them

    @property
    def reply_to(self) -> SealedAddress:
        """Whom to answer."""
        return SealedAddress.model_validate(self, from_attributes=True)


class History(Base):
    """One step in a case's life; a referral is a step `refer` and its unit."""

    __tablename__ = "history"
    __table_args__ = (
        Index("history_bounces", "at", postgresql_where=text("step = 'bounce'")),
        Index("history_at", "at", "code"),  # what changed lately
    )

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
        Index(
            "open_places_account",
            "account_lookup",
            "topic",
            "opened_at",
            postgresql_where=text("account_lookup IS NOT NULL"),
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
    account_lookup: Mapped[str | None]
    opened_at: Mapped[datetime]
    matter: Mapped[bytes]
    urgent: Mapped[bool] = mapped_column(server_default=text("false"))


class CaseWords(Base):
    """What a case is found by (`routing.words`): its folded words, and the marks of its day, week and unit.

    Narrow, and apart from the case: a step rewrites the case's row, and must not rewrite its words. The trigger
    `cases_unit` keeps the mark of the unit that of the case, whoever moves it.
    """

    __tablename__ = "case_words"
    __table_args__ = (
        # Inserts only note their words; `sort_words` sorts them in each second, before the list reaches 4 MB.
        Index(
            "case_words_found",
            "words",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "4096"},
        ),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(TSVECTOR)


class KnownWord(Base):
    """Each word that a case holds, to find how the beginning of one goes on."""

    __tablename__ = "known_words"

    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)


class SavedFilter(Base):
    """A query of the worklist under a name, someone's own or shared with a unit."""

    __tablename__ = "saved_filters"
    __table_args__ = (
        Index("saved_filters_owner", "owner", "name", unique=True),
        Index("saved_filters_unit", "unit", postgresql_where=text("unit IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[str]
    unit: Mapped[str | None]
    name: Mapped[str]
    query: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class WatchRow(Base):
    """What is remembered of the messages of one topic family in one area (`5`, `5-2`): `surge.Watch`."""

    __tablename__ = "watches"

    family: Mapped[str] = mapped_column(primary_key=True)
    area: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]  # up to when messages were seen
    state: Mapped[dict[str, Any]]


class IncidentRow(Base):
    """An event in the city behind many messages. Whoever changes it holds the lock of its family."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index("incidents_one_open", "family", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("incidents_order", text("opened_at DESC"), "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int]  # events so far
    family: Mapped[str]
    state: Mapped[str]  # open, confirmed, closed or merged
    extent: Mapped[dict[str, Any]]  # `incidents.Incident`, with the counts of each area
    messages: Mapped[int]  # since the rise
    first_seen: Mapped[datetime]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None]
    said: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")  # what staff did: at, by, step, note


class Announcement(Base):
    """Something that all members of an incident are told (`told` incident), or answered (`told` done), once each."""

    __tablename__ = "announcements"
    __table_args__ = (
        Index("announcements_open", "number", postgresql_where=text("done_at IS NULL")),
        Index("announcements_incident", "incident", "number"),
    )

    number: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    incident: Mapped[UUID]
    told: Mapped[str]
    text: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    reached: Mapped[int] = mapped_column(server_default="0")  # members so far
    past_bulk: Mapped[bool] = mapped_column(server_default="false")  # how far: urgent members first,
    past_code: Mapped[str] = mapped_column(server_default="")  # then by code
    done_at: Mapped[datetime | None]


first_answers_table(Base.metadata)
inbox_table(Base.metadata)
outbox_tables(Base.metadata)
