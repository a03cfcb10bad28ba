"""What a batch of new cases says of the city: watches go on, incidents open and grow, cases become their members."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
from routing.incidents import Incident, Sighting, fold, group, matches
from routing.membership import Members, join_all, put_right, repeated
from routing.opening import Opening

Seen = Mapping[str, Sighting]  # by code


@dataclass
class Grown:
    """What a batch did to an incident: as it was kept, or new; as it is now; and the cases that joined."""

    kept: Kept
    incident: Incident
    opened: bool
    codes: list[str]

    @property
    def wider(self) -> bool:
        """Whether areas joined."""
        return self.opened or self.incident.counts.keys() != self.kept.incident.counts.keys()

    @property
    def told(self) -> bool:
        """Whether it is worth an event."""
        return self.wider or bool(self.codes)


@dataclass
class Sightings:
    """What is ordinary in the city, its words, and the incidents that were open when this process last looked."""

    baseline: Baseline
    city: City
    _open: dict[str, Kept] = field(default_factory=dict)

    async def take_turns(self, openings: Iterable[Opening], tx: Transaction) -> None:
        """Wait for other batches of the same families, before any row is held: an incident that grows changes cases
        that a joining child holds."""
        families = {self.baseline.families[o.decision.topic or ""] for o in openings if self._watches(o)}
        if families:
            await lock_families(tx, families)

    def guess(self, openings: Iterable[Opening]) -> Members:
        """The incidents that new cases will probably be part of, to be stored with them: in a storm nearly every
        message joins one, and to change its wide row a moment later costs half as much again. `note` puts right."""
        if not self._open:
            return {}
        seen = {opening.message.code: _sighting(opening) for opening in openings if self._watches(opening)}
        joining = self._joining({family: kept.incident for family, kept in self._open.items()}, seen)
        return {code: self._open[family].id for family, codes in joining.items() for code in codes}

    async def note(self, openings: Sequence[Opening], guessed: Members, tx: Transaction) -> None:
        """Fold new cases, stored already, into watches and incidents; time is that of the latest message."""
        seen = await _without_repeats([opening for opening in openings if self._watches(opening)], tx)
        grown = await self._fold(seen, tx) if seen else []
        members = {code: one.kept.id for one in grown for code in one.codes}
        await put_right([opening.message.code for opening in openings], guessed, members, tx)
        now = await self._keep(grown, tx)
        families = {self.baseline.families[sighting.topic] for sighting in seen.values()}
        tx.afterwards(lambda: self._remember(families, now))

    def _watches(self, opening: Opening) -> bool:
        """Whether a unit has to act on it, in a known region, on a topic that is watched."""
        decision = opening.decision
        return (
            decision.topic in self.baseline.families and decision.spot.region is not None and decision.settled is None
        )

    async def _fold(self, seen: Seen, tx: Transaction) -> list[Grown]:
        """The watches are stored; the incidents are not yet."""
        moments = group(seen.values(), self.baseline)
        families = {flow.family for flow in moments}
        await lock_families(tx, families)
        watches, kept = await watches_of(tx, moments), await open_incidents(tx, families)
        now = max([*(one.at for one in seen.values()), *(watch.at for watch in watches.values())])
        after = fold(with_incidents(watches, kept), moments, self.baseline, now=now)
        await store_watches(tx, after.watches)
        joining = self._joining(after.incidents, seen)
        return [
            Grown(kept.get(family) or Kept(incident), incident, family not in kept, joining.get(family, []))
            for family, incident in after.incidents.items()
        ]

    def _joining(self, incidents: Mapping[str, Incident], seen: Seen) -> dict[str, list[str]]:
        """The new cases that match an incident, by its family."""
        joining: dict[str, list[str]] = {}
        for code, sighting in seen.items():
            incident = incidents.get(self.baseline.families[sighting.topic])
            if incident is not None and matches(incident, sighting):
                joining.setdefault(incident.family, []).append(code)
        return joining

    async def _keep(self, grown: Sequence[Grown], tx: Transaction) -> list[Kept]:
        """Store incidents as they are now, and tell of them; new members hear what the others were told."""
        now, late = [], {}
        for one in grown:
            if one.wider:
                one.codes += await join_all(one.kept.id, one.incident, tx)
            kept = replace(one.kept, incident=one.incident, revision=one.kept.revision + one.told)
            now.append(kept)
            if one.opened:
                tx.publish(kept.opened(one.codes))
            elif one.told:
                tx.publish(kept.changed(one.incident.last_at, codes=one.codes))
                late[kept.id] = one.codes
        await store_incidents(
            tx, [kept for kept, one in zip(now, grown, strict=True) if kept != one.kept or one.opened]
        )
        await tell_latecomers(late, self.city, tx)
        return now

    def _remember(self, families: Iterable[str], now: Iterable[Kept]) -> None:
        left = {family: kept for family, kept in self._open.items() if family not in families}
        self._open = left | {kept.incident.family: kept for kept in now}


async def _without_repeats(openings: Sequence[Opening], tx: Transaction) -> dict[str, Sighting]:
    """By code; without what a citizen repeats of an own open case, or of an own message in the batch."""
    said = await repeated(openings, tx)
    seen: dict[str, Sighting] = {}
    for opening in openings:
        mine = (opening.citizen, opening.decision.topic)
        if mine in said:
            continue
        if opening.citizen is not None:
            said.add(mine)
        seen[opening.message.code] = _sighting(opening)
    return seen


def _sighting(opening: Opening) -> Sighting:
    spot = opening.decision.spot
    return Sighting(opening.message.received_at, opening.decision.topic or "", spot.region, spot.nahiye)
