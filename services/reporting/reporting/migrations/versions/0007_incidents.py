"""Incidents, and the cases that are part of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0002"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Two tables; there is no way back but a backup."""
    op.create_table(
        "incident_facts",
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("regions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("nahiye", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_seen", _moment, nullable=True),
        sa.Column("opened_at", _moment, nullable=True),
        sa.Column("closed_at", _moment, nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("incident"),
    )
    op.create_index("incident_facts_opened_at", "incident_facts", ["opened_at"])
    op.create_table(
        "incident_members",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("incident_members_incident", "incident_members", ["incident"])
