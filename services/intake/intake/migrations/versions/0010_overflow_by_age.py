"""What is forgotten of the overflow is found by its age."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Indexes alone, seconds a million rows; there is no way back but a backup."""
    op.create_index("decisions_asked", "decisions", ["asked_at"])
    op.create_index("callbacks_asked", "callbacks", ["asked_at"])
