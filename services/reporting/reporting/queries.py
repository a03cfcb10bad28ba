"""Reports as SQL over the facts. One rule for all: a figure belongs to the shift in which its contact occurred, so
the SMS and the acceptance of a case count where the case does. A case is in time if its last answer came by the
deadline that was in force then: a wait for the citizen, another unit or topic and an objection change it."""

from datetime import UTC, datetime
from typing import Any, Literal

from asyncpg import Record
from common.db import Transaction

Key = Literal["shift", "channel", "unit", "topic"]

# Shifts are 8 hours from 07:00, 15:00 and 23:00 in Tehran, which is 03:30, 11:30 and 19:30 UTC all year round.
SHIFT = "date_bin('8 hours', {moment}, '2020-01-01T03:30:00Z'::timestamptz)"
_KEYS: dict[Key, str] = {
    "shift": SHIFT.format(moment="occurred_at"),
    "channel": "channel",
    "unit": "coalesce(m.unit, c.unit)",
    "topic": "coalesce(m.topic, c.topic)",
}
_CASES = """
WITH m AS (
    SELECT code,
           (array_agg(at ORDER BY revision DESC) FILTER (WHERE answers))[1] AS answered_at,
           (array_agg(deadline ORDER BY revision DESC) FILTER (WHERE answers))[1] AS due_at,
           count(*) FILTER (WHERE step = 'accept') AS accepted,
           count(*) FILTER (WHERE step = 'object') AS objected,
           (array_agg(stars ORDER BY revision DESC) FILTER (WHERE stars IS NOT NULL))[1] AS stars,
           (array_agg(unit ORDER BY revision DESC))[1] AS unit,
           (array_agg(level ORDER BY revision DESC))[1] AS level,
           (array_agg(topic ORDER BY revision DESC) FILTER (WHERE topic IS NOT NULL))[1] AS topic
    FROM moves CROSS JOIN LATERAL (SELECT status = 'answered' AND step <> 'amend' AS answers) a
    WHERE code IN (SELECT code FROM case_facts WHERE occurred_at >= $1 AND occurred_at < $2)
    GROUP BY code
), d AS (
    SELECT code, bool_or(mark = 'warning') AS warned, bool_or(mark = 'breach') AS breached
    FROM deadline_facts WHERE code IN (SELECT code FROM case_facts WHERE occurred_at >= $1 AND occurred_at < $2)
    GROUP BY code
), n AS (
    SELECT code, count(sent_at) AS sent, count(delivered_at) AS delivered
    FROM notification_facts
    WHERE means = 'sms' AND code IN (SELECT code FROM case_facts WHERE occurred_at >= $1 AND occurred_at < $2)
    GROUP BY code
)
SELECT {key} AS key,
       count(*) AS messages,
       count(*) FILTER (WHERE call_id IS NULL) AS messages_without_call,
       count(*) FILTER (WHERE coalesce(m.level, c.level) = 'nahiye') AS in_nahiye,
       count(*) FILTER (WHERE coalesce(m.level, c.level) IN ('hq', 'organisation')) AS at_hq,
       count(*) FILTER (WHERE opened_at - received_at <= interval '1 second') AS referred_in_a_second,
       count(m.answered_at) AS answered,
       count(*) FILTER (WHERE m.answered_at <= coalesce(m.due_at, c.deadline)) AS answered_in_time,
       count(*) FILTER (WHERE urgent) AS urgent,
       count(*) FILTER (WHERE urgent AND m.answered_at <= coalesce(m.due_at, c.deadline)) AS urgent_in_time,
       count(i.incident) AS incident_messages,
       count(*) FILTER (WHERE d.warned) AS warned,
       count(*) FILTER (WHERE d.breached) AS breached,
       coalesce(sum(n.sent), 0)::int AS sms_sent,
       coalesce(sum(n.delivered), 0)::int AS sms_delivered,
       coalesce(sum(m.accepted), 0)::int AS accepted,
       coalesce(sum(m.objected), 0)::int AS objected,
       count(m.stars) AS rated,
       round(avg(m.stars), 2)::float8 AS mean_stars,
       count(*) FILTER (WHERE channel = 'phone' AND call_id IS NULL) AS phone,
       count(*) FILTER (WHERE channel = 'social') AS social,
       count(*) FILTER (WHERE channel = 'app') AS app
FROM case_facts c LEFT JOIN m USING (code) LEFT JOIN d USING (code) LEFT JOIN n USING (code)
LEFT JOIN incident_members i USING (code)
WHERE occurred_at >= $1 AND occurred_at < $2
GROUP BY 1 ORDER BY 1
"""
_CALLS = f"""
SELECT {SHIFT.format(moment="first_at")} AS key,
       count(*) AS phone,
       count(offered_at) AS offered, count(answered_at) AS answered,
       count(*) FILTER (WHERE abandoned_at IS NOT NULL AND answered_at IS NULL AND stayed) AS abandoned,
       avg(wait) FILTER (WHERE stayed) AS mean_wait,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY wait) FILTER (WHERE stayed) AS p95_wait
FROM (
    SELECT *, extract(epoch FROM coalesce(answered_at, abandoned_at) - joined_at)::float8 AS wait,
           NOT EXISTS (SELECT FROM deflections d WHERE d.call_id = calls.call_id) AS stayed
    FROM calls
) calls
WHERE first_at >= $1 AND first_at < $2
GROUP BY 1
"""
_REPLIES = f"""
SELECT {SHIFT.format(moment="at")} AS key, channel, count(*) AS contacts FROM moves
WHERE step IN ('accept', 'object') AND channel IS NOT NULL AND at >= $1 AND at < $2
GROUP BY 1, 2
"""
_TIMELINE_MOVES = "SELECT * FROM moves WHERE code = $1 ORDER BY revision"
_TIMELINE_DEADLINES = "SELECT * FROM deadline_facts WHERE code = $1"
_TIMELINE_NOTIFICATIONS = "SELECT * FROM notification_facts WHERE code = $1"


async def case_figures(key: Key, start: datetime, end: datetime, tx: Transaction) -> list[dict[str, Any]]:
    """Figures of the cases that occurred in [start, end), by key."""
    return [dict(row) for row in await tx.fetch(_CASES.format(key=_KEYS[key]), start, end)]


async def call_figures(start: datetime, end: datetime, tx: Transaction) -> dict[datetime, dict[str, Any]]:
    """Figures of the calls that began in [start, end), by shift; waits in seconds, joined → answered or abandoned,
    of those who took no other way: these did not give up."""
    return {row["key"]: dict(row) for row in await tx.fetch(_CALLS, start, end)}


async def reply_figures(start: datetime, end: datetime, tx: Transaction) -> dict[tuple[datetime, str], int]:
    """Citizens' replies in [start, end), by shift and channel: each is a contact too."""
    return {(row["key"], row["channel"]): row["contacts"] for row in await tx.fetch(_REPLIES, start, end)}


async def timeline(code: str, tx: Transaction) -> list[dict[str, Any]] | None:
    """Everything that is known of a case, in order; None when nothing is."""
    case = await tx.fetchrow("SELECT * FROM case_facts WHERE code = $1", code)
    if case is None:
        return None
    steps: list[tuple[datetime, str, dict[str, Any]]] = [
        (case["received_at"], "received", {"channel": case["channel"], "platform": case["platform"]}),
        (case["opened_at"], "joined" if case["parent"] else "referred", _opening_of(case)),
    ]
    for move in await tx.fetch(_TIMELINE_MOVES, code):
        detail = {name: move[name] for name in ("status", "unit", "reason", "by", "channel", "parent") if move[name]}
        steps.append((move["at"], move["step"], detail))
    late = await tx.fetch(_TIMELINE_DEADLINES, code)
    steps += [(p["due_at"], p["mark"], {n: p[n] for n in ("unit", "escalated_to") if p[n]}) for p in late]
    for told in await tx.fetch(_TIMELINE_NOTIFICATIONS, code):
        about = {"told": told["told"], "means": told["means"]}
        moments = ((told[f"{name}_at"], name, about) for name in ("sent", "delivered", "failed"))
        steps.extend(moment for moment in moments if moment[0])
    steps.sort(key=lambda step: step[0])
    return [{"at": at.astimezone(UTC), "step": step, "detail": detail} for at, step, detail in steps]


def _opening_of(case: Record) -> dict[str, Any]:
    detail = {"unit": case["unit"], "topic": case["topic"], "urgent": case["urgent"]}
    return detail | ({"parent": case["parent"]} if case["parent"] else {})
