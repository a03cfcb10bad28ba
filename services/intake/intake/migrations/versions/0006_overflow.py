"""What callers were offered and took, callbacks, and contacts that became no message."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Three tables, and an index for the arrivals of like days; there is no way back but a backup."""
    op.create_index("calls_joined", "calls", ["queue", "joined_at"])
    _decisions()
    _callbacks()
    op.create_table(
        "desk_contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id", "reason", "code", name="desk_contacts_once", postgresql_nulls_not_distinct=True),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("caller_lookup", sa.Text(), nullable=True),
        sa.Column("mobile", sa.Boolean(), nullable=False),
        sa.Column("estimate_seconds", sa.Float(), nullable=False),
        sa.Column("at_most_seconds", sa.Float(), nullable=False),
        sa.Column("options", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("callback_at", _moment, nullable=True),
        sa.Column("asked_at", _moment, nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("chosen_at", _moment, nullable=True),
        sa.PrimaryKeyConstraint("call_id"),
    )
    where = sa.text("caller_lookup IS NOT NULL")
    op.create_index("decisions_caller", "decisions", ["caller_lookup", "asked_at"], postgresql_where=where)


def _callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("caller_lookup", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Boolean(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("asked_at", _moment, nullable=False),
        sa.Column("promised_at", _moment, nullable=False),
        sa.Column("due_at", _moment, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("lease_until", _moment, nullable=True),
        sa.Column("changed_at", _moment, nullable=False),
        sa.Column("closed_at", _moment, nullable=True),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("callbacks_due", "callbacks", ["due_at"], postgresql_where=sa.text("closed_at IS NULL"))
