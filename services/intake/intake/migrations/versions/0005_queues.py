"""Calls that join again, leave or are lost; the agents of the queues."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

OVER = "greatest(gone_at, answered_at, abandoned_at, ended_at) >= coalesce(last_joined_at, joined_at)"
WAITING = f"coalesce(last_joined_at, joined_at) IS NOT NULL AND ({OVER}) IS NOT TRUE"


def upgrade() -> None:
    """New columns are empty in old rows, which WAITING allows for; there is no way back but a backup."""
    op.add_column("calls", sa.Column("leg", sa.Text(), nullable=True))
    for name in ("last_joined_at", "gone_at", "lost_at"):
        op.add_column("calls", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.drop_index("calls_waiting", table_name="calls")
    op.create_index("calls_waiting", "calls", ["queue", "joined_at"], postgresql_where=sa.text(WAITING))
    op.create_index("calls_ended", "calls", ["ended_at"], postgresql_where=sa.text("answered_at IS NOT NULL"))
    # Without it the planner believes that two calls of three wait, and asks three processes for twenty rows.
    op.execute(f"CREATE STATISTICS calls_over ON ({OVER}) FROM calls")
    op.create_table(
        "queue_agents",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("queue", "agent"),
    )
