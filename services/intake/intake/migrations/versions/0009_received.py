"""The newest messages, for what is public of them before routing has seen them."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Seconds a million messages, in which none is stored; there is no way back but a backup."""
    op.create_index("messages_received", "messages", ["received_at"])
