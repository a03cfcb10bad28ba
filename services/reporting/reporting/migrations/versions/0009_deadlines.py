"""Time that ran out, and topics that were put right."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """A table, and a column that costs no rewrite; there is no way back but a backup."""
    op.add_column("moves", sa.Column("topic", sa.Text(), nullable=True))
    op.create_table(
        "deadline_facts",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("due_at", _moment, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("escalated_to", sa.Text(), nullable=True),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("code", "mark", "due_at"),
    )
