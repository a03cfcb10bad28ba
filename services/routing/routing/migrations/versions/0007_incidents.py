"""What is remembered of each flow of messages, the incidents, and what their members are told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

_moment = sa.DateTime(timezone=True)
_document = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Three tables, and a column that older cases leave empty; there is no way back but a backup."""
    op.add_column("cases", sa.Column("incident", sa.Uuid(), nullable=True))
    op.create_index("cases_incident", "cases", ["incident", "code"], postgresql_where=sa.text("incident IS NOT NULL"))
    op.create_index("cases_topic", "cases", ["topic", "received_at"])
    _watches()
    _incidents()
    _announcements()


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("state", _document, nullable=False),
        sa.PrimaryKeyConstraint("family", "area"),
        postgresql_with={"fillfactor": "50"},  # every batch updates them: room to do it in place
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("extent", _document, nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("first_seen", _moment, nullable=False),
        sa.Column("opened_at", _moment, nullable=False),
        sa.Column("closed_at", _moment, nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("said", _document, nullable=False, server_default="[]"),
        sa.PrimaryKeyConstraint("id"),
    )
    where = sa.text("closed_at IS NULL")
    op.create_index("incidents_one_open", "incidents", ["family"], unique=True, postgresql_where=where)
    op.create_index("incidents_order", "incidents", [sa.text("opened_at DESC"), "id"])


def _announcements() -> None:
    op.create_table(
        "announcements",
        sa.Column("number", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("past_bulk", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("past_code", sa.Text(), nullable=False, server_default=""),
        sa.Column("done_at", _moment, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("announcements_open", "announcements", ["number"], postgresql_where=sa.text("done_at IS NULL"))
    op.create_index("announcements_incident", "announcements", ["incident", "number"])
