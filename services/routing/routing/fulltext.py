"""Full-text search over the words of cases: stored with the case, found newest first, with bounded work."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.db import Database, Row, Transaction
from common.errors import is_transient
from common.health import Pulse

from routing.models import CaseWords, table
from routing.words import Wanted, spans, tsquery, tsvector, words_in

MOST_ENDINGS = 100  # words that begin as the last one of a search does; the shortest are taken
MOST_KNOWN = 50_000  # words remembered as stored, some 8 MB
SORT_EVERY = 1.0  # seconds
_SORT = "SELECT gin_clean_pending_list('case_words_found')"
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_LAST = "\U0010ffff"
_KNOW = "INSERT INTO known_words SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
_IN_THEIR_PLACE = "ON CONFLICT (code) DO UPDATE SET words = excluded.words"
_ENDINGS = """
SELECT word FROM known_words WHERE word > $1 AND word < $2 ORDER BY length(word), word LIMIT $3
"""
_OLDEST = "SELECT received_at FROM cases ORDER BY received_at LIMIT 1"
# PostgreSQL reads the spans in their order and stops at the limit; so the newest are found without the rest.
_SEARCH = """
SELECT found.code, found.received_at FROM unnest($1::text[]) AS span(mark) CROSS JOIN LATERAL (
    SELECT code, received_at FROM case_words
    WHERE words @@ ($2::text::tsquery && quote_literal(span.mark)::tsquery) AND (received_at, code) < ($3, $4)
    ORDER BY received_at DESC, code DESC LIMIT $5
) AS found LIMIT $5
"""


@dataclass(frozen=True, slots=True)
class Before:
    """Where a page of a search begins: older than this."""

    received_at: datetime = _LATEST
    code: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """What of a case goes into the search."""

    code: str
    unit: str
    received_at: datetime
    folded: str
    address: str | None


class WordStore:
    """Stores the words of cases; it remembers which words are known, so that each is sent about once a process."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    async def store(self, cases: Sequence[Described], tx: Transaction, *, again: bool = False) -> None:
        """Let these cases be found, in the transaction that opens them; `again`, by other words than before."""
        words = [words_in(case.folded, case.address) for case in cases]
        rows = [_row(*pair) for pair in zip(cases, words, strict=True)]
        await tx.insert(table(CaseWords), rows, then=_IN_THEIR_PLACE if again else "")
        known = self._known
        fresh = sorted({word for found in words for word in found if word not in known and not word.isdigit()})
        if fresh:  # in order, so that two replicas wait for each other and do not lock each other out
            await tx.execute(_KNOW, fresh)
            tx.afterwards(lambda: self._remember(fresh))

    def _remember(self, words: Sequence[str]) -> None:
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known.update(words)


def _row(case: Described, words: Sequence[str]) -> Row:
    return {
        "code": case.code,
        "received_at": case.received_at,
        "words": tsvector(words, case.unit, case.received_at),
    }


async def search(
    wanted: Wanted, units: frozenset[str] | None, before: Before, limit: int, tx: Transaction
) -> list[str]:
    """Codes of the cases that hold all the words, newest first."""
    oldest = await tx.fetchval(_OLDEST)
    if oldest is None:
        return []
    newest = min(before.received_at, datetime.now(UTC) + timedelta(days=1))
    marks = spans(newest.astimezone(UTC).date(), oldest.astimezone(UTC).date())
    question = tsquery(wanted, await _endings(wanted, tx), units)
    rows = await tx.fetch(_SEARCH, marks, question, before.received_at, before.code, limit)
    return [row["code"] for row in sorted(rows, key=lambda row: (row["received_at"], row["code"]), reverse=True)]


async def _endings(wanted: Wanted, tx: Transaction) -> list[str]:
    if not wanted.completes:
        return []
    rows = await tx.fetch(_ENDINGS, wanted.last, wanted.last + _LAST, MOST_ENDINGS)
    return [row["word"] for row in rows]


async def sort_words(database: Database, pulse: Pulse) -> None:
    """Sort the words that inserts only noted into the index, for as long as the service runs.

    The more came in a second, the more of them are the same and go in at once. At a million cases and 2,400 new ones
    a second an insert takes 16 µs of PostgreSQL's time a case and the sorting 13; sorted with each batch it is 76.
    """
    while True:
        pulse.beat()
        try:
            async with database.transaction() as tx:
                await tx.execute(_SORT)
        except Exception as error:
            if not is_transient(error):
                raise
        await asyncio.sleep(SORT_EVERY)
