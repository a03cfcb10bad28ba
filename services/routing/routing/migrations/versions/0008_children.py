"""The children of a case, what may be its duplicates, and whether an open case is urgent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Columns that older cases leave empty, and an index over children alone; no way back but a backup."""
    op.add_column("cases", sa.Column("possible_duplicates", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index("cases_children", "cases", ["parent", "code"], postgresql_where=sa.text("parent IS NOT NULL"))
    op.add_column("open_places", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.text("false")))
