"""The deadline that was in force after each step: it can change."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """A column that costs no rewrite; there is no way back but a backup. A rebuild fills it for older steps."""
    op.add_column("moves", sa.Column("deadline", sa.DateTime(timezone=True), nullable=True))
