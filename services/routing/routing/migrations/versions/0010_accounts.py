"""Whom to answer on the channel that a message came by, and how many attachments it has."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Columns that cost no rewrite; there is no way back but a backup."""
    op.add_column("cases", sa.Column("account", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("account_lookup", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("attachments", sa.Integer(), nullable=False, server_default="0"))
    where = sa.text("account_lookup IS NOT NULL")
    op.create_index("cases_account", "cases", ["account_lookup", "answered_at"], postgresql_where=where)
