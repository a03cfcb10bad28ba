"""Which cases are part of which incident, in the database."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from common.db import Transaction

from routing.incidents import BEFORE, Incident
from routing.opening import Opening
from routing.workflow import OPEN

Members = Mapping[str, UUID]  # the incident of a case, by its code

# Of each citizen and topic, whether an own case stood unanswered before this batch. The indexes are those of numbers
# and of accounts; the limits bound the work for a number that calls all day.
_REPEATED = """
SELECT DISTINCT whose, topic
FROM unnest($1::text[], $2::text[]) AS asked (whose, topic)
WHERE EXISTS (
    SELECT FROM (
        (SELECT topic, code, status FROM cases c
         WHERE c.phone_lookup = asked.whose AND c.answered_at IS NULL LIMIT 50)
        UNION ALL
        (SELECT topic, code, status FROM cases c
         WHERE c.account_lookup = asked.whose AND c.answered_at IS NULL LIMIT 50)
    ) own
    WHERE own.topic = asked.topic AND own.status = ANY($3::text[]) AND own.code <> ALL($4::text[])
)
"""
_PUT_RIGHT = """
UPDATE cases SET incident = right_one.incident FROM unnest($1::text[], $2::uuid[]) AS right_one (code, incident)
WHERE cases.code = right_one.code
"""
# Open cases of the topics in the extent since the rise; of one citizen's the first. Locked in the order of the codes.
_JOIN_ALL = """
WITH candidates AS (
    SELECT code, row_number() OVER (
        PARTITION BY coalesce(phone_lookup, account_lookup, code), topic ORDER BY received_at, code) AS n
    FROM cases c
    WHERE topic = ANY($2::text[]) AND received_at >= $3 AND incident IS NULL AND status = ANY($4::text[])
        AND (region = ANY($5::int[])
             OR (region, nahiye) IN (SELECT * FROM unnest($6::int[], $7::int[]) AS part (region, nahiye)))
        AND NOT EXISTS (
            SELECT FROM cases own
            WHERE own.phone_lookup = c.phone_lookup AND own.topic = c.topic AND own.incident = $1)
        AND NOT EXISTS (
            SELECT FROM cases own
            WHERE c.phone_lookup IS NULL AND own.account_lookup = c.account_lookup
                AND own.topic = c.topic AND own.incident = $1)
), locked AS (
    SELECT code FROM cases WHERE code IN (SELECT code FROM candidates WHERE n = 1) ORDER BY code FOR UPDATE
)
UPDATE cases SET incident = $1 FROM locked WHERE cases.code = locked.code RETURNING cases.code
"""
_OPEN = sorted(status.value for status in OPEN)


async def repeated(openings: Sequence[Opening], tx: Transaction) -> set[tuple[Any, ...]]:
    """Who on which topic: those who had an own open case on it before this batch."""
    asked = {(opening.citizen, opening.decision.topic) for opening in openings if opening.citizen}
    if not asked:
        return set()
    codes = [opening.message.code for opening in openings]
    rows = await tx.fetch(_REPEATED, [who for who, _ in asked], [topic for _, topic in asked], _OPEN, codes)
    return {(row["whose"], row["topic"]) for row in rows}


async def put_right(codes: Sequence[str], guessed: Members, members: Members, tx: Transaction) -> None:
    """Change those of the batch that were stored with another incident than their own."""
    wrong = [code for code in codes if guessed.get(code) != members.get(code)]
    if wrong:
        await tx.execute(_PUT_RIGHT, wrong, [members.get(code) for code in wrong])


async def join_all(joined: UUID, incident: Incident, tx: Transaction) -> list[str]:
    """Let what is open since the rise join too; their codes."""
    nahiye = incident.nahiye
    where = list(incident.regions), [area.region for area in nahiye], [area.nahiye for area in nahiye]
    since = incident.first_seen - BEFORE
    rows = await tx.fetch(_JOIN_ALL, joined, list(incident.topics), since, _OPEN, *where)
    return [row["code"] for row in rows]
