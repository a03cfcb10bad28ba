"""A citizen without a number is known by the account: open cases by it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """A column that costs no rewrite; cases opened before are not found by account. No way back but a backup."""
    op.add_column("open_places", sa.Column("account_lookup", sa.Text(), nullable=True))
    where = sa.text("account_lookup IS NOT NULL")
    columns = ["account_lookup", "topic", "opened_at"]
    op.create_index("open_places_account", "open_places", columns, postgresql_where=where)
