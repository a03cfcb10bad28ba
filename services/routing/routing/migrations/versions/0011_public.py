"""The public list: an order that is read without the rows, and the steps of a time."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Some seconds a million cases, in which nothing is written to them; there is no way back but a backup."""
    op.drop_index("cases_received", "cases")
    op.create_index("cases_received", "cases", ["received_at", "code"], postgresql_include=["topic", "status"])
    op.create_index("history_at", "history", ["at", "code"])
