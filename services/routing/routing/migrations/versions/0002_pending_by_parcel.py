"""A row of outbox_pending for what a transaction stored, not for each event (ADR 9)."""

from alembic import op
from common.migrations import PENDING_BY_PARCEL

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Events that are pending stay so; there is no way back but a backup."""
    for statement in PENDING_BY_PARCEL:
        op.execute(statement)
