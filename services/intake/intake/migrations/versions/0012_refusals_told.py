"""Where the citizen of a message is answered, and when they were told that a file of it was refused."""

from alembic import op
from sqlalchemy import Column, DateTime, Text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Columns that are empty in old rows, which takes no time; there is no way back but a backup."""
    op.add_column("messages", Column("account", Text))
    op.add_column("messages", Column("account_lookup", Text))
    op.add_column("messages", Column("refusal_told_at", DateTime(timezone=True)))
