"""Messages about a matter that is in hand already are joined to its case when they come in.

A parent's row is held in share from the verdict to the commit. Who answers it holds it alone, and looks for its
children afterwards: so either the answer waits and finds the new child, or the child sees the answer and stands alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import asyncpg
from asyncpg import Record
from common.db import Transaction
from common.events import Status

from routing.duplicates import Candidate, OpenCase, Reaches, Verdict, judge_batch
from routing.matters import Matter
from routing.near import find_chosen, find_near, remember_open
from routing.opening import Joined, Opening
from routing.workflow import OPEN

_HOLD = "SELECT code, status, unit, parent FROM cases WHERE code = ANY($1::text[]) ORDER BY code FOR SHARE"
Near = Mapping[int, Sequence[OpenCase]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A verdict for each candidate, and the rows of the parents that were there before, as they are now."""

    candidates: Sequence[Candidate]
    verdicts: Sequence[Verdict]
    held: Mapping[str, Record | None]


async def join_duplicates(openings: Mapping[str, Opening], reaches: Reaches, tx: Transaction) -> dict[str, Opening]:
    """The openings, those that are certainly duplicates joined to a parent that stays open until this commits."""
    candidates = [_candidate(opening) for opening in openings.values()]
    found = await _judge_what_stays(candidates, reaches, tx)
    pairs = zip(openings.items(), found.candidates, found.verdicts, strict=True)
    return {
        code: _judged(opening, candidate, verdict, openings, found) for (code, opening), candidate, verdict in pairs
    }


async def file_opened(
    fresh: Iterable[Opening], openings: Mapping[str, Opening], reaches: Reaches, tx: Transaction
) -> None:
    """Let the cases that were really opened be found by later messages.

    asyncpg.SerializationError, upon which the batch is tried again, when the parent of one was opened elsewhere
    between the verdict and now.
    """
    opened = {opening.message.code: opening for opening in fresh}
    parents = {opening.joined.parent for opening in opened.values() if opening.joined}
    for code in parents & openings.keys() - opened.keys():
        if not openings[code].stored:
            raise asyncpg.SerializationError(f"case {code} was opened elsewhere meanwhile")
    await remember_open(tx, [opening.filed for opening in opened.values() if opening.filed], reaches)


def _candidate(opening: Opening) -> Candidate:
    """What is compared of a message. A point that the words speak against is not exact."""
    message, decision, place = opening.message, opening.decision, opening.message.place
    return Candidate(
        code=message.code,
        topic=None if decision.settled else decision.topic,
        kind=decision.kind,
        received_at=message.received_at,
        matter=Matter.folded(decision.folded),
        lat=place.lat if place else None,
        lon=place.lon if place else None,
        region=decision.spot.region,
        phone_lookup=message.reply_to.phone_lookup,
        account_lookup=None if message.reply_to.phone_lookup else message.reply_to.account_lookup,
        exact=decision.spot.doubt is None,
        urgent=decision.urgent,
        joins=message.joins,
    )


async def _judge_what_stays(candidates: list[Candidate], reaches: Reaches, tx: Transaction) -> _Found:
    """Judge, hold the parents that were chosen, and judge again without those that were answered meanwhile."""
    near: Near = await _with_chosen(candidates, await find_near(tx, candidates, reaches), tx)
    verdicts, held = judge_batch(candidates, near, reaches), dict[str, Record | None]()
    while chosen := {verdict.parent for verdict in verdicts if verdict.parent} - held.keys():
        rows = {row["code"]: row for row in await tx.fetch(_HOLD, sorted(chosen))}
        held |= {code: rows.get(code) for code in chosen}
        candidates = [replace(one, topic=None) if held.get(one.code) else one for one in candidates]
        near = {n: [now for case in cases if (now := _as_it_is(case, held))] for n, cases in near.items()}
        verdicts = judge_batch(candidates, near, reaches)
    return _Found(candidates, verdicts, held)


async def _with_chosen(candidates: Sequence[Candidate], near: Near, tx: Transaction) -> Near:
    """With the cases that citizens chose themselves, should the search have passed them over."""
    chosen = {n: one.joins for n, one in enumerate(candidates) if one.joins}
    if not chosen:
        return near
    found = await find_chosen(tx, sorted(set(chosen.values())))
    return {**near, **{n: [*near.get(n, ()), found[code]] for n, code in chosen.items() if code in found}}


def _as_it_is(case: OpenCase, held: Mapping[str, Record | None]) -> OpenCase | None:
    """The case, under the parent that it has by now; None when the matter is in hand no more."""
    matter = case.parent or case.code
    if matter not in held:
        return case
    row = held[matter]
    if row is None or Status(row["status"]) not in OPEN:
        return None
    return replace(case, parent=row["parent"]) if row["parent"] else case


def _judged(
    opening: Opening, candidate: Candidate, verdict: Verdict, openings: Mapping[str, Opening], found: _Found
) -> Opening:
    filed, stored = candidate.opened(verdict.parent), found.held.get(candidate.code) is not None
    if verdict.parent is None:
        return replace(opening, possible=verdict.suggestions, filed=filed, stored=stored)
    row = found.held[verdict.parent]
    unit: str = row["unit"] if row else openings[verdict.parent].decision.unit
    return replace(opening, joined=Joined(verdict.parent, unit, verdict.because), filed=filed, stored=stored)
