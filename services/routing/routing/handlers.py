"""What routing does with the events of `messages.v1`: rows and events, nothing else."""

from collections.abc import Awaitable, Callable, Sequence

from common.db import Transaction
from common.errors import Stray
from common.events import Answer, Channel, MessageReceived, ReplyReceived, Status, Step

from routing.baseline import Baseline
from routing.city import City
from routing.decide import Decider, Reading
from routing.following import take_step
from routing.fulltext import WordStore
from routing.joining import file_opened, join_duplicates
from routing.models import Case, History, table
from routing.opening import Opening, asked_by
from routing.rulebook import Rulebook
from routing.sightings import Sightings
from routing.steps import Move
from routing.workflow import ALLOWED

ReadMessage = tuple[MessageReceived, Reading]
_OPEN311 = "open311"  # platform of what others' apps report


class Register:
    """Opens cases by the decisions of `decider` and the rules in force."""

    def __init__(self, decider: Decider, rulebook: Rulebook) -> None:
        self._decider = decider
        self._rulebook = rulebook
        self._words = WordStore()
        self._sightings = Sightings(Baseline.load(), decider.city)

    async def register_cases(self, received: Sequence[MessageReceived], tx: Transaction) -> None:
        """Open one case per message and refer it to the unit that must act; a code opens one case, ever."""
        await self.open_cases(self.settle(self.read(received)), tx)

    def read(self, received: Sequence[MessageReceived]) -> list[ReadMessage]:
        """Each message with what its text says."""
        readings = self._decider.read([asked_by(message) for message in received])
        return list(zip(received, readings, strict=True))

    def settle(self, read: Sequence[ReadMessage]) -> list[Opening]:
        """Each message with its decision by the rules in force."""
        rules, decider = self._rulebook.rules, self._decider
        return [Opening(message, decider.settle(reading, rules), decider.city) for message, reading in read]

    async def open_cases(self, decided: Sequence[Opening], tx: Transaction) -> None:
        """Leave behind a case for each, what it is found by, and the events that tell of it."""
        reaches = self._decider.city.reaches
        await self._sightings.take_turns(decided, tx)
        openings = await join_duplicates({o.message.code: o for o in decided}, reaches, tx)
        guessed = self._sightings.guess(openings.values())
        rows = [opening.case_row(guessed.get(code)) for code, opening in openings.items()]
        opened = await tx.insert(table(Case), rows, then="ON CONFLICT DO NOTHING RETURNING code")
        fresh = [openings[row[0]] for row in opened]
        await tx.insert(table(History), [row for opening in fresh for row in opening.history_rows()])
        tx.publish(*(event for opening in fresh for event in opening.events()))
        await file_opened(fresh, openings, reaches, tx)
        await self._words.store([opening.described() for opening in fresh], tx)
        await self._sightings.note(fresh, guessed, tx)


def record_replies_with(city: City) -> Callable[[Sequence[ReplyReceived], Transaction], Awaitable[None]]:
    """The handler of 31 and 33."""

    async def record_replies(received: Sequence[ReplyReceived], tx: Transaction) -> None:
        """31 accepts, 33 objects and reopens; a reply to a case that awaits none changes nothing, one to none is set
        aside."""
        for reply in received:
            case = await _case_of(reply, tx)
            if isinstance(case, Stray):
                tx.set_aside(reply, case)
                continue
            step = Step.ACCEPT if reply.answer is Answer.ACCEPTED else Step.OBJECT
            if step not in ALLOWED[Status(case.status)]:
                continue
            asked = Move(
                step,
                reply.received_at,
                detail=_said(reply),
                channel=reply.channel,
                platform=reply.platform,
                stars=reply.stars,
            )
            tx.publish(*await take_step(case, asked, city, tx), because=reply)
            await tx.session.flush()  # the next reply of the batch may be the same citizen's

    return record_replies


def _said(reply: ReplyReceived) -> dict[str, object] | None:
    """What came with a citizen's feedback in the app, for staff alone: words of a citizen may name people."""
    if reply.channel is not Channel.APP:
        return None
    return {name: value for name, value in (("stars", reply.stars), ("words", reply.text)) if value} or None


async def _case_of(reply: ReplyReceived, tx: Transaction) -> Case | Stray:
    """The case with the code in the text, else the last one told to that number that awaits an answer; Stray when
    there is none of theirs, for anybody may write 33 to us."""
    if reply.code is not None:
        case = await tx.session.get(Case, reply.code, with_for_update=True)
        if case is None:
            return Stray(f"no case has the code {reply.code}")
        if _by_a_stranger(reply, case):
            return Stray("the reply names a case of another number or account")
        return case
    objects = reply.answer is Answer.OBJECTED
    code = await tx.fetchval(_AWAITING, reply.phone_lookup, reply.account_lookup, objects)
    case = await tx.session.get(Case, code, with_for_update=True) if code else None
    return case or Stray("no case of this number or account awaits an answer")


def _by_a_stranger(reply: ReplyReceived, case: Case) -> bool:
    """Whether who replies is known, and by nothing that the case has too: a code alone is no secret, Open311 publishes
    those of every channel. An operator has heard who calls, and the app has seen to it that the message is its
    citizen's; a report that came by Open311 without a number is nobody's."""
    if reply.channel is Channel.PHONE:
        return False
    known = {case.phone_lookup, case.account_lookup} - {None}
    said = {reply.phone_lookup, reply.account_lookup} - {None}
    return known.isdisjoint(said) and (bool(said) or (not known and case.platform == _OPEN311))


_AWAITING = """
SELECT code FROM cases
WHERE (phone_lookup = $1 OR account_lookup = $2) AND answered_at IS NOT NULL AND ($3 OR status <> 'closed')
ORDER BY (status IN ('answered', 'closed')) DESC, answered_at DESC LIMIT 1
"""
