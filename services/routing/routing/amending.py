"""What a citizen adds to a message that is a case by now: kept and shown; where nobody has touched the case, the rules
decide anew.

A case that somebody took up stays with its unit and as urgent as it is; the unit sees what was added, for the revision
that it knew is no longer the case's. A duplicate goes where its parent goes, but urgent work does not wait for a parent
that is not urgent. Membership in an incident stays, as after a correction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from common.db import Transaction
from common.errors import Poison
from common.events import Event, Kind, MessageAmended, Status, Step
from common.folding import fold
from sqlalchemy import select

from routing.corrections import Anew, asked_of, decide_anew, take_decision
from routing.decide import GIVEN, THANKS_TOPIC, Asked, Decider
from routing.following import open_case, take_step
from routing.fulltext import Described, WordStore
from routing.models import Case
from routing.near import file_again
from routing.rulebook import Rulebook
from routing.steps import Move, note
from routing.workflow import OPEN

_PAST = """
SELECT code, bool_or(by IS NOT NULL) AS touched, max(at) FILTER (WHERE step = 'amend') AS amended_at
FROM history WHERE code = ANY($1::text[]) GROUP BY code
"""
_PARENT_IS_URGENT = "SELECT urgent FROM cases WHERE code = $1"
_LEADS = f"SELECT EXISTS (SELECT FROM cases WHERE parent = $1 AND status = '{Status.JOINED.value}')"
WHY = "its citizen added to it"


@dataclass(frozen=True, slots=True)
class Past:
    """Whether a person took a step of the case, and when its message was last amended."""

    touched: bool = False
    amended_at: datetime | None = None


class Amending:
    """Takes what was added to messages, with the decisions of `decider` and the rules in force."""

    def __init__(self, decider: Decider, rulebook: Rulebook) -> None:
        self._decider = decider
        self._rulebook = rulebook
        self._words = WordStore()

    async def amend_cases(self, received: Sequence[MessageAmended], tx: Transaction) -> None:
        """The latest of each case counts, for it says the whole; Poison where there is no such case."""
        latest = {one.code: one for one in sorted(received, key=lambda one: one.received_at)}
        codes = sorted(latest)
        query = select(Case).where(Case.code.in_(codes)).order_by(Case.code).with_for_update()
        cases = (await tx.session.scalars(query)).all()
        files: dict[str, int] = {}
        for one in received:
            files[one.code] = max(files.get(one.code, 0), one.attachments)
        if missing := latest.keys() - {case.code for case in cases}:
            raise Poison(f"no case has the code {min(missing)}")
        pasts = {row["code"]: Past(row["touched"], row["amended_at"]) for row in await tx.fetch(_PAST, codes)}
        for case in cases:
            amended = latest[case.code].model_copy(update={"attachments": files[case.code]})
            tx.publish(*await self._amend(case, amended, pasts[case.code], tx), because=amended)
            await tx.session.flush()  # the next may be its child

    async def _amend(self, case: Case, amended: MessageAmended, past: Past, tx: Transaction) -> list[Event]:
        now = changes(case, amended, past)
        if not now:
            return []
        detail = {"before": {name: getattr(case, name) for name in now}, "now": now}
        for name, value in now.items():
            setattr(case, name, value)
        added = Move(Step.AMEND, amended.received_at, detail=detail, channel=amended.channel, platform=amended.platform)
        events = note(case, added, tx)
        if now.keys() <= {"attachments"}:
            return events
        events += await self._decide(case, past, tx)
        address = (case.place or {}).get("address")
        await self._words.store(
            [Described(case.code, case.unit, case.received_at, fold(case.text), address)], tx, again=True
        )
        return events

    async def _decide(self, case: Case, past: Past, tx: Transaction) -> list[Event]:
        """Refer the case anew, where it may be and the decision is another one."""
        joined, closed = case.status == Status.JOINED, case.status == Status.CLOSED  # by the rules, if untouched
        if not joined and (past.touched or not (closed or case.status == Status.REFERRED)):
            return []
        at, decider, city = datetime.now(UTC), self._decider, self._decider.city
        leads = await tx.fetchval(_LEADS, case.code)  # what others said goes where it goes
        asked = self._asked(case, keep=leads)
        anew = decide_anew(asked, case, at, decider=decider, rules=self._rulebook.rules)
        turned_urgent = anew.decision.urgent and not case.urgent
        if joined and (not turned_urgent or await tx.fetchval(_PARENT_IS_URGENT, case.parent)):
            return []
        if (closed or leads) and anew.decision.settled:
            return []
        steps = moves(case, anew, at)
        take_decision(case, anew.decision)
        case.rule = anew.decision.rule
        events = [event for step in steps for event in await take_step(case, step, city, tx)]
        if Status(case.status) in OPEN:
            found = open_case(case, case.received_at, exact=anew.decision.spot.doubt is None)
            await file_again(tx, found, city.reaches)
        return events

    def _asked(self, case: Case, *, keep: bool) -> Asked:
        """The case as its message is now. A topic that was given stays, as do one that no longer is certain and, with
        `keep`, any. Not thanks, which would be closed: a person looks at words that no longer surely are."""
        given = case.topic if keep or (case.reasons or {}).get("topic") == GIVEN else None
        asked = replace(asked_of(case, topic=given, kind=Kind(case.kind) if given else None), urgent=case.urgent)
        [reading] = self._decider.read([asked])
        certain = reading.subject.topic is not None or case.topic == THANKS_TOPIC
        return asked if certain else replace(asked, topic=case.topic)


def changes(case: Case, amended: MessageAmended, past: Past) -> dict[str, Any]:
    """What is other than before, by the case's columns; of an older amendment than the last only more files."""
    place = amended.place.model_dump(mode="json", exclude_none=True) if amended.place else None
    said: Mapping[str, Any] = {"text": amended.text, "place": place}
    if past.amended_at is not None and amended.received_at < past.amended_at:
        said = {}
    found = {name: value for name, value in said.items() if value is not None and value != getattr(case, name)}
    return found | ({"attachments": amended.attachments} if amended.attachments > case.attachments else {})


def moves(case: Case, anew: Anew, at: datetime) -> list[Move]:
    """From where the case stands to where it belongs by now; none where that is the same unit, topic and urgency, and
    the case is open."""
    decision, told = anew.decision, anew.told
    steps = [Move(Step.DETACH, at, reason=WHY)] if case.status == Status.JOINED else []
    if decision.topic != case.topic:
        detail = {"from": case.topic, "to": decision.topic}
        steps.append(Move(Step.CORRECT_TOPIC, at, reason=WHY, detail=detail))
    if steps or case.status == Status.CLOSED or decision.unit != case.unit or decision.urgent != case.urgent:
        because = f"{WHY}: rule “{decision.rule}”"
        steps.append(Move(Step.REFER, at, unit=decision.unit, reason=because, times=anew.times, quiet=told is not None))
    return [*steps, Move(Step.SETTLE, at, told=told)] if told else steps
