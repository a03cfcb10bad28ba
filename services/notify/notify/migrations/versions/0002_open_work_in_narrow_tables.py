"""What is open, and what became of it, moves out of the wide table into narrow ones (ADR 9)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_moment = sa.DateTime(timezone=True)
_MOVE = (
    """INSERT INTO due (localid, priority, due_at, attempts)
       SELECT localid, priority, due_at, attempts FROM deliveries WHERE state IN ('due', 'sending')""",
    """UPDATE attempts SET provider_id = d.provider_id FROM deliveries d
       WHERE d.localid = attempts.localid AND attempts.outcome = 'sent'""",
    """INSERT INTO unconfirmed (provider_id, localid, sent_at, check_at)
       SELECT provider_id, localid, sent_at, check_at FROM deliveries WHERE state = 'sent' ON CONFLICT DO NOTHING""",
    """INSERT INTO receipts (localid, outcome, at)
       SELECT localid, state, closed_at FROM deliveries WHERE state IN ('delivered', 'undelivered')""",
    "UPDATE deliveries SET tellable = false WHERE state = 'untellable'",
)
_STATES = """
CREATE VIEW delivery_states AS
SELECT d.*, s.sent_at, coalesce(r.at, CASE WHEN q.localid IS NULL AND s.sent_at IS NULL THEN t.at END) AS closed_at,
       CASE WHEN NOT d.tellable THEN 'untellable'
            WHEN r.outcome IS NOT NULL THEN r.outcome
            WHEN q.attempts > coalesce(t.attempts, 0) THEN 'sending'
            WHEN q.localid IS NOT NULL THEN 'due'
            WHEN s.sent_at IS NOT NULL THEN 'sent'
            ELSE 'failed' END AS state
FROM deliveries d
LEFT JOIN due q USING (localid)
LEFT JOIN receipts r USING (localid)
LEFT JOIN LATERAL (SELECT max(attempt) AS attempts, max(at) AS at FROM attempts a WHERE a.localid = d.localid) t ON true
LEFT JOIN LATERAL (SELECT min(at) AS sent_at FROM attempts a WHERE a.localid = d.localid AND outcome = 'sent') s ON true
"""


def upgrade() -> None:
    """Tables, their rows out of the wide one, and the view that puts them together; no way back but a backup."""
    _tables()
    op.add_column("attempts", sa.Column("provider_id", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("tellable", sa.Boolean(), nullable=False, server_default=sa.true()))
    for statement in _MOVE:
        op.execute(statement)
    op.alter_column("deliveries", "tellable", server_default=None)
    for name in ("due", "provider_id", "unconfirmed"):
        op.drop_index(f"deliveries_{name}", table_name="deliveries")
    for name in ("state", "attempts", "due_at", "sent_at", "check_at", "closed_at", "provider_id"):
        op.drop_column("deliveries", name)
    op.execute(_STATES)


def _tables() -> None:
    op.create_table(
        "due",
        sa.Column("localid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", _moment, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("localid"),
    )
    op.create_index("due_order", "due", ["priority", "due_at"])
    op.create_table(
        "unconfirmed",
        sa.Column("provider_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("localid", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", _moment, nullable=False),
        sa.Column("check_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("provider_id"),
    )
    op.create_index("unconfirmed_order", "unconfirmed", ["check_at"])
    op.create_table(
        "receipts",
        sa.Column("localid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("localid"),
    )
