"""Calls that took another way, what became of callbacks, and contacts that became no message."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Three tables; there is no way back but a backup."""
    op.create_table(
        "deflections",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("estimate_seconds", sa.Float(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("deflections_at", "deflections", ["at"])
    op.create_table(
        "callback_facts",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("call_id", "state", "attempt"),
    )
    op.create_table(
        "contact_facts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("contact_facts_at", "contact_facts", ["at"])
