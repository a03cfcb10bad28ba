"""What a decision says beside the unit: nahiye, suggestions, and the clock that runs from it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Columns that older cases leave empty; there is no way back but a backup."""
    op.add_column("cases", sa.Column("nahiye", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("suggestions", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("cases", sa.Column("counted_by", sa.Text(), nullable=False, server_default="clock"))
    for name in ("respond_by", "warn_at", "next_due_at", "responded_at"):
        op.add_column("cases", sa.Column(name, _moment, nullable=True))
    op.add_column("cases", sa.Column("marks", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("cases", sa.Column("escalated_to", sa.Text(), nullable=True))
    op.execute("UPDATE cases SET next_due_at = deadline WHERE status NOT IN ('answered', 'accepted')")
    where = sa.text("next_due_at IS NOT NULL")
    op.create_index("cases_next_due", "cases", ["next_due_at"], postgresql_where=where)
