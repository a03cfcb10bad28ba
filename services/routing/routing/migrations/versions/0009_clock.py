"""The clock through a case's life, arbitration, and the topics that staff put right."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Columns that cost no rewrite and a table; there is no way back but a backup."""
    op.add_column("cases", sa.Column("waiting_since", _moment, nullable=True))
    op.add_column("cases", sa.Column("arbitration", sa.Text(), nullable=True))
    where = sa.text("escalated_to IS NOT NULL")
    op.create_index("cases_escalated", "cases", ["escalated_to"], postgresql_where=where)
    op.create_table(
        "corrections",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("from_topic", sa.Text(), nullable=True),
        sa.Column("to_topic", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "revision"),
    )
