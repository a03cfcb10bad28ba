"""Corrected cases as lines that the classifier learns from: `routing corrections > FILE`."""

import re
from collections.abc import Container, Iterator
from typing import Any

import orjson
from common.db import Database, Row

# A telephone number, a code or a card, written in any digits, also in groups; years and house numbers are shorter.
_NUMBER = re.compile(r"\+?\d(?:[ \t\-.()/\u200c\u200e\u200f]*\d){6,}")
_CORRECTED = """
SELECT text, to_topic AS topic, kind, region FROM (
    SELECT DISTINCT ON (code) code, to_topic, at FROM corrections ORDER BY code, revision DESC
) last JOIN cases USING (code) ORDER BY last.at, code
"""


def without_numbers(text: str) -> str:
    """A text without runs of seven or more digits."""
    return " ".join(_NUMBER.sub(" ", text).split())


def line(row: Row, topics: Container[str]) -> str | None:
    """One row of the training data; None for a topic that is no more, or a text with nothing left in it."""
    text = without_numbers(row["text"])
    if not text or row["topic"] not in topics:
        return None
    kept: dict[str, Any] = {"text": text, "topic": row["topic"], "kind": row["kind"], "region": row["region"]}
    return orjson.dumps({name: value for name, value in kept.items() if value is not None}).decode()


async def correction_lines(database: Database, topics: Container[str]) -> Iterator[str]:
    """The last correction of each case, the oldest first, so that the later of two on one text wins."""
    async with database.transaction() as tx:
        rows = await tx.fetch(_CORRECTED)
    return (written for row in rows if (written := line(dict(row), topics)) is not None)


async def print_corrections(address: str, topics: Container[str]) -> None:
    """The lines of the database at an address, to standard output."""
    database = Database(address, connections=1)
    try:
        for written in await correction_lines(database, topics):
            print(written)
    finally:
        await database.close()
