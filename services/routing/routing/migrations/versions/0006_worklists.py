"""Worklists, saved filters and full-text search that stay quick at a million cases."""

import sqlalchemy as sa
from alembic import op
from routing.words import tsvector, words_of
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

BATCH = 1000
_SIFTED = ["unit", "topic", "region", "kind", "channel"]
# Vacuum after 1 % of new rows, not 20 %: an index alone answers only for pages that vacuum has seen.
_VACUUM = """
ALTER TABLE cases SET (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_vacuum_scale_factor = 0.02)
"""
_FOLLOW = """
CREATE FUNCTION follow_unit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE case_words SET words = ts_delete(words, '@' || OLD.unit) || array_to_tsvector(ARRAY['@' || NEW.unit])
    WHERE code = NEW.code;
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER cases_unit AFTER UPDATE OF unit ON cases
FOR EACH ROW WHEN (OLD.unit IS DISTINCT FROM NEW.unit) EXECUTE FUNCTION follow_unit()
"""
_OLD_CASES = sa.text("""
SELECT code, unit, text, place->>'address' AS address, received_at FROM cases WHERE code > :code ORDER BY code LIMIT :n
""")
_WORDS = sa.text("INSERT INTO case_words VALUES (:code, :received_at, CAST(CAST(:words AS text) AS tsvector))")
_KNOWN = sa.text("INSERT INTO known_words VALUES (:word) ON CONFLICT DO NOTHING")


def upgrade() -> None:
    """The words of cases that exist are read in too, some 60 µs each; there is no way back but a backup."""
    _orders()
    _words()
    _saved_filters()
    _fill()
    op.create_index("case_words_found", "case_words", ["words"], postgresql_using="gin", postgresql_with=_PENDING)


_PENDING = {"fastupdate": "on", "gin_pending_list_limit": "4096"}  # kilobytes


def _orders() -> None:
    op.drop_index("cases_worklist", "cases")
    op.drop_index("cases_order", "cases")
    by_deadline = ["status", "urgent", "deadline", "code"]
    op.create_index("cases_worklist", "cases", ["unit", *by_deadline], postgresql_include=["topic"])
    op.create_index("cases_order", "cases", by_deadline, postgresql_include=_SIFTED)
    op.create_index("cases_received", "cases", ["received_at", "code"])
    op.execute(_VACUUM)


def _words() -> None:
    op.create_table(
        "case_words",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "known_words",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("word"),
    )
    op.execute(_FOLLOW)
    op.execute(_TRIGGER)


def _saved_filters() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("saved_filters_owner", "saved_filters", ["owner", "name"], unique=True)
    op.create_index("saved_filters_unit", "saved_filters", ["unit"], postgresql_where=sa.text("unit IS NOT NULL"))


def _fill() -> None:
    connection, code = op.get_bind(), ""
    while old := connection.execute(_OLD_CASES, {"code": code, "n": BATCH}).all():
        code = old[-1].code
        words = {case.code: words_of(case.text, case.address) for case in old}
        rows = [
            {"code": c.code, "received_at": c.received_at, "words": tsvector(words[c.code], c.unit, c.received_at)}
            for c in old
        ]
        connection.execute(_WORDS, rows)
        known = {word for found in words.values() for word in found if not word.isdigit()}
        if known:
            connection.execute(_KNOWN, [{"word": word} for word in sorted(known)])
