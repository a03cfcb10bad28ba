"""What a citizen adds to a message that was accepted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """A column that costs no rewrite; there is no way back but a backup."""
    op.add_column("messages", sa.Column("amended", postgresql.JSONB(), nullable=True))
