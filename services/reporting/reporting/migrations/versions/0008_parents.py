"""Which case a case is answered with: reports tell a matter from how often it was reported."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Columns that older facts leave empty; there is no way back but a backup."""
    op.add_column("case_facts", sa.Column("parent", sa.Text(), nullable=True))
    op.add_column("moves", sa.Column("parent", sa.Text(), nullable=True))
