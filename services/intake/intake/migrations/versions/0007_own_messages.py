"""A citizen's own messages are found, the newest first; the stars of a feedback are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """An index and a column that costs no rewrite; there is no way back but a backup."""
    where = sa.text("citizen IS NOT NULL")
    op.create_index("messages_own", "messages", ["citizen", "received_at", "code"], postgresql_where=where)
    op.add_column("replies", sa.Column("stars", sa.Integer(), nullable=True))
