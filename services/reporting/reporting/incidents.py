"""Incidents: the facts of their events, in any order and any number of times, and the report of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from common.db import Transaction
from common.events import IncidentChanged, IncidentClosed, IncidentOpened

from reporting.models import IncidentFact, IncidentMember, table

AnyIncident = IncidentOpened | IncidentChanged | IncidentClosed
# What only some events know is kept; the rest is that of the highest revision.
_NEWER = "CASE WHEN excluded.revision > incident_facts.revision THEN excluded.{name} ELSE incident_facts.{name} END"
_KNOWN = "coalesce(incident_facts.{name}, excluded.{name})"
_TOGETHER = "ON CONFLICT (incident) DO UPDATE SET " + ", ".join(
    f"{name} = {rule.format(name=name)}"
    for rule, names in (
        (_KNOWN, ("first_seen", "opened_at", "closed_at")),
        (_NEWER, ("state", "regions", "nahiye", "merged_into", "revision")),
    )
    for name in names
)
_REPORT = """
WITH RECURSIVE roots AS (
    SELECT incident, incident AS root FROM incident_facts WHERE merged_into IS NULL
    UNION ALL
    SELECT f.incident, r.root FROM incident_facts f JOIN roots r ON f.merged_into = r.incident
), figures AS (
    SELECT r.root AS incident, count(*) AS messages, count(*) FILTER (WHERE c.urgent) AS urgent,
           count(*) FILTER (WHERE EXISTS (SELECT FROM moves WHERE code = m.code AND status = 'answered')) AS answered,
           coalesce(sum((SELECT count(sent_at) FROM notification_facts
                         WHERE code = m.code AND means = 'sms')), 0)::int AS sms_sent
    FROM incident_members m JOIN roots r USING (incident) LEFT JOIN case_facts c USING (code)
    WHERE r.root IN (SELECT incident FROM incident_facts WHERE opened_at >= $1 AND opened_at < $2)
    GROUP BY r.root
)
SELECT incident, state, family, regions, nahiye, first_seen, opened_at, closed_at, merged_into,
       coalesce(messages, 0) AS messages, coalesce(urgent, 0) AS urgent, coalesce(answered, 0) AS answered,
       coalesce(sms_sent, 0) AS sms_sent
FROM incident_facts LEFT JOIN figures USING (incident)
WHERE opened_at >= $1 AND opened_at < $2 ORDER BY incident
"""


async def note_incidents(events: Sequence[AnyIncident], tx: Transaction) -> None:
    """The latest of each incident, and its members, each once."""
    facts: dict[Any, dict[str, Any]] = {}
    for event in sorted(events, key=lambda event: event.revision):
        known = {name: value for name, value in _fact(event).items() if value is not None}
        facts[event.incident] = {**_NOTHING, **facts.get(event.incident, {}), **known}
    await tx.insert(table(IncidentFact), [facts[key] for key in sorted(facts)], then=_TOGETHER)
    members = [{"code": code, "incident": event.incident} for event in events for code in event.codes]
    await tx.insert(table(IncidentMember), members, then="ON CONFLICT DO NOTHING")


_NOTHING = dict.fromkeys(("first_seen", "opened_at", "closed_at", "merged_into"))


def _fact(event: AnyIncident) -> dict[str, Any]:
    fact = {"incident": event.incident, "revision": event.revision, "family": event.family}
    fact |= {name: orjson.dumps(getattr(event, name)).decode() for name in ("regions", "nahiye")}
    match event:
        case IncidentOpened():
            return fact | {"state": "open", "first_seen": event.first_seen, "opened_at": event.at}
        case IncidentChanged():
            return fact | {"state": event.state, "merged_into": event.merged_into}
        case IncidentClosed():
            return fact | {"state": "closed", "closed_at": event.at}


async def incident_figures(start: datetime, end: datetime, tx: Transaction) -> list[dict[str, Any]]:
    """Figures of the incidents that opened in [start, end), in the order of their ids, which is that of time."""
    return [dict(row) for row in await tx.fetch(_REPORT, start, end)]
