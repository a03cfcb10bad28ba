"""The open cases near a batch of messages, and their citizens' own, in one statement; and the table it searches.

However open cases cluster, a message costs at most nine squares of six rows, and four rows of its citizen's number or
account: the index gives the latest of a square, and the limit stands inside it. Only parents are found by place,
for a child stands for its parent, and would carry the matter farther with every link.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from asyncpg import Record
from common.db import Row, Transaction

from routing.cells import EAST, M_PER_DEGREE, NEXT_ROW, Squares, squares_around
from routing.duplicates import (
    MOST_IN_SQUARE,
    MOST_OWN,
    NEVER,
    OWN_WINDOW,
    Candidate,
    OpenCase,
    Reaches,
    square_to_file,
)
from routing.matters import Matter
from routing.models import OpenPlace, table

MOST_NEAR = 6  # rows a message brings back, the nearest first

_COLUMNS = "code, topic, lat, lon, region, parent, phone_lookup, account_lookup, opened_at, matter, urgent"
_OWN = f"""
SELECT a.n, own.* FROM asked a CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM open_places p
    WHERE p.{{whose}} = a.{{whose}} AND p.topic = a.topic AND p.opened_at >= a.since
    ORDER BY p.opened_at DESC LIMIT {MOST_OWN}
) own WHERE a.{{whose}} IS NOT NULL
"""
_NEAR = f"""
WITH asked AS (
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                         $6::bigint[], $7::int[], $8::int[], $9::float8[], $10::float8[], $11::float8[])
        AS a (n, topic, phone_lookup, account_lookup, since, square, rows, columns, lat, lon, degrees)
)
SELECT a.n, found.* FROM asked a CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM (
        SELECT latest.*, (latest.lat - a.lat) ^ 2 + ((latest.lon - a.lon) * {EAST}) ^ 2 AS square_degrees
        FROM generate_series(0, a.rows) AS r, generate_series(0, a.columns) AS c, LATERAL (
            SELECT {_COLUMNS} FROM open_places p
            WHERE p.topic = a.topic AND p.square = a.square + r * {NEXT_ROW}::bigint + c
                AND p.parent IS NULL AND p.square IS NOT NULL AND p.opened_at >= a.since
            ORDER BY p.opened_at DESC LIMIT {MOST_IN_SQUARE}
        ) latest
    ) around
    WHERE square_degrees <= a.degrees ^ 2 ORDER BY square_degrees, opened_at LIMIT {MOST_NEAR}
) found WHERE a.square IS NOT NULL
UNION ALL {_OWN.format(whose="phone_lookup")} UNION ALL {_OWN.format(whose="account_lookup")}
"""
_FILE_AGAIN = """
ON CONFLICT (code) DO UPDATE SET topic = excluded.topic, square = excluded.square, lat = excluded.lat,
    lon = excluded.lon, region = excluded.region, matter = excluded.matter, urgent = excluded.urgent
"""
_SLACK = 1.03  # the statement's metres are those of 35.7° north; `judge` measures again


class _Asked(NamedTuple):
    """One row of the question, in the order of the statement's arrays."""

    n: int
    topic: str
    phone_lookup: str | None
    account_lookup: str | None
    since: datetime
    square: int | None
    rows: int | None
    columns: int | None
    lat: float | None
    lon: float | None
    degrees: float | None


async def find_near(tx: Transaction, messages: Sequence[Candidate], reaches: Reaches) -> dict[int, list[OpenCase]]:
    """By the message's index: parents around its point, the nearest first, then its citizen's latest cases.

    One statement for up to some thousands of messages. Those for which nothing is found have no entry.
    """
    asked = [one for n, message in enumerate(messages) if (one := _asked(n, message, reaches))]
    if not asked:
        return {}
    found: dict[int, list[OpenCase]] = {}
    for row in await tx.fetch(_NEAR, *map(list, zip(*asked, strict=True))):
        found.setdefault(row["n"], []).append(_open_case(row))
    return found


async def find_chosen(tx: Transaction, codes: Sequence[str]) -> dict[str, OpenCase]:
    """Open cases by their codes."""
    rows = await tx.fetch(f"SELECT 0 AS n, {_COLUMNS} FROM open_places WHERE code = ANY($1::text[])", codes)
    return {row["code"]: _open_case(row) for row in rows}


def _asked(n: int, message: Candidate, reaches: Reaches) -> _Asked | None:
    """None where there is nothing to look for."""
    if message.topic is None or message.kind in NEVER:
        return None
    reach = reaches.get(message.topic)
    since = message.received_at - (reach.window if reach else OWN_WINDOW) - timedelta(seconds=1)
    whose = (n, message.topic, message.phone_lookup, message.account_lookup, since)
    if reach is None or message.lat is None or message.lon is None:
        known = message.phone_lookup or message.account_lookup
        return _Asked(*whose, None, None, None, None, None, None) if known else None
    around: Squares = squares_around(message.lat, message.lon, reach.radius_m)
    degrees = reach.radius_m / M_PER_DEGREE * _SLACK
    return _Asked(*whose, around.first, around.rows, around.columns, message.lat, message.lon, degrees)


def _open_case(row: Record) -> OpenCase:
    _, code, topic, lat, lon, region, parent, phone, account, opened_at, matter, urgent = row.values()
    kept = Matter.unpacked(matter)
    return OpenCase(code, topic, opened_at, kept, lat, lon, region, parent, phone, account, urgent)


async def remember_open(tx: Transaction, cases: Iterable[OpenCase], reaches: Reaches) -> None:
    """Let open cases be found from now on; one that is known already stays as it is."""
    rows = [_row(case, reaches) for case in cases]
    await tx.insert(table(OpenPlace), rows, then="ON CONFLICT (code) DO NOTHING")


async def file_again(tx: Transaction, cases: Iterable[OpenCase], reaches: Reaches) -> None:
    """Let open cases be found by what they say now; whose children they are, and since when open, stays."""
    await tx.insert(table(OpenPlace), [_row(case, reaches) for case in cases], then=_FILE_AGAIN)


def _row(case: OpenCase, reaches: Reaches) -> Row:
    return {
        "code": case.code,
        "topic": case.topic,
        "square": square_to_file(case, reaches),
        "lat": case.lat,
        "lon": case.lon,
        "region": case.region,
        "parent": case.parent,
        "phone_lookup": case.phone_lookup,
        "account_lookup": case.account_lookup,
        "opened_at": case.opened_at,
        "matter": case.matter.packed,
        "urgent": case.urgent,
    }


async def forget(tx: Transaction, codes: Sequence[str]) -> None:
    """Cases that are open no more; children of theirs that still are stand on their own from now on."""
    await tx.execute("DELETE FROM open_places WHERE code = ANY($1::text[])", codes)
    await tx.execute("UPDATE open_places SET parent = NULL WHERE parent = ANY($1::text[])", codes)


async def open_children(tx: Transaction, code: str) -> list[str]:
    """Codes of a case's open children, the oldest first: those that its answer goes to as well."""
    query = "SELECT code FROM open_places WHERE parent = $1 ORDER BY opened_at, code"
    return [row[0] for row in await tx.fetch(query, code)]


async def attach(tx: Transaction, code: str, parent: str | None) -> None:
    """Make a case a child, its own children with it; None detaches it. `parent` must be nobody's child."""
    if parent is not None:
        await tx.execute("UPDATE open_places SET parent = $2 WHERE parent = $1", code, parent)
    await tx.execute("UPDATE open_places SET parent = $2 WHERE code = $1", code, parent)
