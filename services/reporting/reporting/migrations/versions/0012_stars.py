"""Stars that citizens give with their word on an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    """A column that costs no rewrite; there is no way back but a backup."""
    op.add_column("moves", sa.Column("stars", sa.Integer(), nullable=True))
