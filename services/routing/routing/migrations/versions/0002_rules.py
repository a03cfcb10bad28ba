"""Versions of the rules; each case carries the rule that referred it, so that a bad one is visible by its bounces."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """A table, a column that older cases leave empty, and an index of the few steps that are bounces."""
    op.create_table(
        "rule_versions",
        sa.Column("version", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("yaml", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("valid_from", _moment, nullable=False),
        sa.Column("valid_until", _moment, nullable=True),
        sa.Column("created_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.add_column("cases", sa.Column("rule", sa.Text(), nullable=True))
    op.create_index("history_bounces", "history", ["at"], postgresql_where=sa.text("step = 'bounce'"))
