"""Messengers and the app's webhook beside SMS: what is due by which means, and prompts, which have no code."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """What is due stays due by SMS, also what the old code still stores; there is no way back but a backup."""
    op.alter_column("deliveries", "code", nullable=True)
    op.add_column("deliveries", sa.Column("account", sa.Text(), nullable=True))
    op.add_column("deliveries", sa.Column("offer", sa.Text(), nullable=True))
    op.create_index("deliveries_prompt", "deliveries", ["id"], unique=True, postgresql_where=sa.text("code IS NULL"))
    op.add_column("due", sa.Column("means", sa.Text(), nullable=False, server_default="sms"))
    op.add_column("due", sa.Column("sequence", sa.Text(), nullable=True))
    op.drop_index("due_order", table_name="due")
    op.create_index("due_order", "due", ["means", "priority", "due_at"])
    where = sa.text("sequence IS NOT NULL")
    op.create_index("due_sequence", "due", ["means", "sequence", "localid"], postgresql_where=where)
