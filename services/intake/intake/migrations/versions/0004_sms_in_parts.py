"""SMS that may be a part of a longer one wait for the next."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A new table; nothing reads it but the SMS channel."""
    op.create_table(
        "sms_parts",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("sms_parts_waiting", "sms_parts", ["sender"], postgresql_where=sa.text("heard_at IS NULL"))
    op.create_index("sms_parts_received_at", "sms_parts", ["received_at"])
