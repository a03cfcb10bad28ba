"""Open cases by place and by citizen, for the search of duplicates; the parent of a case."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A narrow table beside the cases, and a column that costs no rewrite; no way back but a backup."""
    op.add_column("cases", sa.Column("parent", sa.Text(), nullable=True))
    op.create_table(
        "open_places",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("square", sa.BigInteger(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("region", sa.Integer(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("phone_lookup", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("matter", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    _index("near", ["topic", "square", "opened_at"], "parent IS NULL AND square IS NOT NULL")
    _index("own", ["phone_lookup", "topic", "opened_at"], "phone_lookup IS NOT NULL")
    _index("children", ["parent"], "parent IS NOT NULL")


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(f"open_places_{name}", "open_places", columns, unique=False, postgresql_where=sa.text(where))
