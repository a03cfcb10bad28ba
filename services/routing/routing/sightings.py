"""What a batch of new cases says of the city: watches go on, incidents open and grow, cases become their members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from common.db import Transaction

from routing.announcing import tell_latecomers
from routing.baseline import Baseline
from routing.city import City
from routing.incident_rows import (
    Kept,
    lock_families,
    open_incidents,
    store_incidents,
    store_watches,
    watches_of,
    with_incidents,
)
from routing.incidents import BEFORE, Incident, Sighting, fold, group, matches
from routing.opening import Opening
from routing.workflow import OPEN

# Of each citizen and topic, whether an own case stood unanswered before this batch. The index is that of the numbers;
# the limit bounds the work for a number that calls all day.
_REPEATED = """
SELECT DISTINCT phone_lookup, topic
FROM unnest($1::text[], $2::text[]) AS asked (phone_lookup, topic)
WHERE EXISTS (
    SELECT FROM (
        SELECT topic, code, status FROM cases c
        WHERE c.phone_lookup = asked.phone_lookup AND c.answered_at IS NULL LIMIT 50
    ) own
    WHERE own.topic = asked.topic AND own.status = ANY($3::text[]) AND own.code <> ALL($4::text[])
)
"""
_JOIN = """
UPDATE cases SET incident = joined.incident FROM unnest($1::text[], $2::uuid[]) AS joined (code, incident)
WHERE cases.code = joined.code
"""
# Open cases of the topics in the extent since the rise; of one citizen's the first. Locked in the order of the codes.
_JOIN_ALL = """
WITH candidates AS (
    SELECT code, row_number() OVER (PARTITION BY coalesce(phone_lookup, code), topic ORDER BY received_at, code) AS n
    FROM cases c
    WHERE topic = ANY($2::text[]) AND received_at >= $3 AND incident IS NULL AND status = ANY($4::text[])
        AND (region = ANY($5::int[])
             OR (region, nahiye) IN (SELECT * FROM unnest($6::int[], $7::int[]) AS part (region, nahiye)))
        AND NOT EXISTS (
            SELECT FROM cases own
            WHERE own.phone_lookup = c.phone_lookup AND own.topic = c.topic AND own.incident = $1)
), locked AS (
    SELECT code FROM cases WHERE code IN (SELECT code FROM candidates WHERE n = 1) ORDER BY code FOR UPDATE
)
UPDATE cases SET incident = $1 FROM locked WHERE cases.code = locked.code RETURNING cases.code
"""
_OPEN = sorted(status.value for status in OPEN)


@dataclass(frozen=True)
class Sightings:
    """What is ordinary in the city, and its words."""

    baseline: Baseline
    city: City

    async def note(self, openings: Sequence[Opening], tx: Transaction) -> None:
        """Fold new cases, stored already, into watches and incidents; time is that of the latest message."""
        seen = await _sightings(self._watched(openings), tx)
        moments = group(seen.values(), self.baseline)
        if not moments:
            return
        families = {flow.family for flow in moments}
        await lock_families(tx, families)
        watches, kept = await watches_of(tx, moments), await open_incidents(tx, families)
        now = max([*(one.at for one in seen.values()), *(watch.at for watch in watches.values())])
        after = fold(with_incidents(watches, kept), moments, self.baseline, now=now)
        await store_watches(tx, after.watches)
        changed = {f: one for f, one in after.incidents.items() if f not in kept or kept[f].incident != one}
        if changed:
            await self._follow(kept, changed, seen, tx)

    def _watched(self, openings: Sequence[Opening]) -> list[Opening]:
        """Those that a unit has to act on, of a known region and a topic that is watched."""
        return [
            opening
            for opening in openings
            if opening.decision.topic in self.baseline.families
            and opening.decision.spot.region is not None
            and opening.decision.settled is None
        ]

    async def _follow(
        self, kept: Mapping[str, Kept], changed: Mapping[str, Incident], seen: Mapping[str, Sighting], tx: Transaction
    ) -> None:
        """Keep incidents as the batch made them, with their new members, who hear what the others were told."""
        before = {family: kept.get(family) or Kept(incident) for family, incident in changed.items()}
        joined = self._joining(changed, seen)
        await _join({before[family].id: codes for family, codes in joined.items()}, tx)
        for family, incident in changed.items():
            if family not in kept or incident.counts.keys() != kept[family].incident.counts.keys():
                joined[family] = [*joined.get(family, ()), *await _join_all(before[family].id, incident, tx)]
        now = {f: replace(one, incident=changed[f], revision=one.revision + (f in joined)) for f, one in before.items()}
        await store_incidents(tx, now.values())
        for family, codes in joined.items():
            one = now[family]
            tx.publish(one.changed(one.incident.last_at, codes=codes) if family in kept else one.opened(codes))
        await tell_latecomers({now[f].id: codes for f, codes in joined.items() if f in kept}, self.city, tx)

    def _joining(self, incidents: Mapping[str, Incident], seen: Mapping[str, Sighting]) -> dict[str, list[str]]:
        """The new cases that match an incident, by its family."""
        joining: dict[str, list[str]] = {}
        for code, sighting in seen.items():
            incident = incidents.get(self.baseline.families[sighting.topic])
            if incident is not None and matches(incident, sighting):
                joining.setdefault(incident.family, []).append(code)
        return joining


async def _sightings(openings: Sequence[Opening], tx: Transaction) -> dict[str, Sighting]:
    """By code, without what a citizen repeats: of an own open case, or of an own message in the batch."""
    said: set[tuple[Any, ...]] = await _repeated(openings, tx)
    seen: dict[str, Sighting] = {}
    for opening in openings:
        message, decision = opening.message, opening.decision
        who = message.reply_to.phone_lookup
        if (who, decision.topic) in said:
            continue
        if who is not None:
            said.add((who, decision.topic))
        spot = decision.spot
        seen[message.code] = Sighting(message.received_at, decision.topic or "", spot.region, spot.nahiye)
    return seen


async def _repeated(openings: Sequence[Opening], tx: Transaction) -> set[tuple[Any, ...]]:
    asked = {(o.message.reply_to.phone_lookup, o.decision.topic) for o in openings if o.message.reply_to.phone_lookup}
    if not asked:
        return set()
    codes = [opening.message.code for opening in openings]
    rows = await tx.fetch(_REPEATED, [who for who, _ in asked], [topic for _, topic in asked], _OPEN, codes)
    return {(row["phone_lookup"], row["topic"]) for row in rows}


async def _join(joining: Mapping[UUID, Sequence[str]], tx: Transaction) -> None:
    """Of the batch, in one statement."""
    codes = [code for some in joining.values() for code in some]
    if codes:
        await tx.execute(_JOIN, codes, [incident for incident, some in joining.items() for _ in some])


async def _join_all(joined: UUID, incident: Incident, tx: Transaction) -> list[str]:
    """Besides, of what is open since the rise."""
    since = incident.first_seen - BEFORE
    nahiye = incident.nahiye
    where = list(incident.regions), [area.region for area in nahiye], [area.nahiye for area in nahiye]
    rows = await tx.fetch(_JOIN_ALL, joined, list(incident.topics), since, _OPEN, *where)
    return [row["code"] for row in rows]
