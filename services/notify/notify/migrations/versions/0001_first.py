"""The first tables of notify."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The first tables; there is no way back but a backup."""
    _attempts()
    _deliveries()
    _inbox()
    _outbox()
    _outbox_pending()


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("localid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("localid", "attempt"),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("localid", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("parts", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("localid"),
        sa.UniqueConstraint("code", "revision", "told"),
    )
    _deliveries_indexes()


def _deliveries_indexes() -> None:
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["priority", "due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('due', 'sending')"),
    )
    op.create_index(
        "deliveries_provider_id",
        "deliveries",
        ["provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        "deliveries_unconfirmed", "deliveries", ["check_at"], unique=False, postgresql_where=sa.text("state = 'sent'")
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("day", "id"),
        postgresql_partition_by="RANGE (day)",
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "id"),
        postgresql_partition_by="RANGE (day)",
    )


def _outbox_pending() -> None:
    op.create_table(
        "outbox_pending",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
