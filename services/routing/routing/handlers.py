"""What routing does with the events of `messages.v1`: rows and events, nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from common.db import Row, Transaction
from common.errors import Poison
from common.events import (
    Answer,
    CaseOpened,
    Channel,
    MessageReceived,
    NotificationRequested,
    ReplyReceived,
    Status,
    Step,
    Told,
)

from routing.city import City
from routing.decide import Asked, Decider, Decision
from routing.fulltext import Described, WordStore
from routing.models import Case, History, table
from routing.steps import Move, move

UNKNOWN_TOPIC = "unknown"


def register_cases_with(decider: Decider) -> Callable[[Sequence[MessageReceived], Transaction], Awaitable[None]]:
    """The handler that opens cases by the decisions of `decider`."""
    words = WordStore()

    async def register_cases(received: Sequence[MessageReceived], tx: Transaction) -> None:
        """Open one case per message and refer it to the unit that must act; a code opens one case, ever."""
        decided = {m.code: (m, decider.decide(_asked(m))) for m in received}
        rows = [_case_row(message, decision, decider.city) for message, decision in decided.values()]
        opened = await tx.insert(table(Case), rows, then="ON CONFLICT DO NOTHING RETURNING code")
        fresh = [decided[row[0]] for row in opened]
        await tx.insert(table(History), [_history_row(message, decision) for message, decision in fresh])
        await words.store([_described(message, decision) for message, decision in fresh], tx)
        for message, decision in fresh:
            tx.publish(_opened(message, decision, decider.city), _registered(message, decision, decider.city))

    return register_cases


def record_replies_with(city: City) -> Callable[[Sequence[ReplyReceived], Transaction], Awaitable[None]]:
    """The handler of 31 and 33."""

    async def record_replies(received: Sequence[ReplyReceived], tx: Transaction) -> None:
        """31 accepts, 33 objects and reopens; a reply to a case that awaits none changes nothing."""
        for reply in received:
            case = await _case_of(reply, tx)
            if case.status != Status.ANSWERED:
                continue
            step = Step.ACCEPT if reply.answer is Answer.ACCEPTED else Step.OBJECT
            asked = Move(step, reply.received_at, channel=reply.channel, platform=reply.platform)
            tx.publish(*move(case, asked, city, tx), because=reply)
            await tx.session.flush()  # the next reply of the batch may be the same citizen's

    return record_replies


async def _case_of(reply: ReplyReceived, tx: Transaction) -> Case:
    """The case with the code in the text, else the last one told to that number that awaits an answer."""
    if reply.code is not None:
        case = await tx.session.get(Case, reply.code, with_for_update=True)
        if case is None:
            raise Poison(f"no case has the code {reply.code}")
        if None not in (reply.phone_lookup, case.phone_lookup) and reply.phone_lookup != case.phone_lookup:
            raise Poison("the reply names a case of another number")
        return case
    code = await tx.fetchval(_AWAITING, reply.phone_lookup)
    case = await tx.session.get(Case, code, with_for_update=True) if code else None
    if case is None:
        raise Poison("no case of this number awaits an answer")
    return case


_AWAITING = """
SELECT code FROM cases WHERE phone_lookup = $1 AND answered_at IS NOT NULL
ORDER BY (status = 'answered') DESC, answered_at DESC LIMIT 1
"""


def _asked(message: MessageReceived) -> Asked:
    return Asked(message.text, message.topic, message.kind, message.place, message.received_at)


def _case_row(message: MessageReceived, decision: Decision, city: City) -> Row:
    reasons = {reason.step: reason.because for reason in decision.reasons}
    return {
        "code": message.code,
        "revision": 1,
        "status": Status.REFERRED.value,
        "topic": decision.topic,
        "kind": decision.kind.value,
        "text": message.text,
        "channel": message.channel.value,
        "platform": message.platform,
        "unit": decision.unit,
        "level": city.units[decision.unit].level,
        "region": decision.spot.region,
        "place": message.place.model_dump_json(exclude_none=True) if message.place else None,
        "urgent": decision.urgent,
        "phone": message.reply_to.phone,
        "phone_lookup": message.reply_to.phone_lookup,
        "name": message.reply_to.name,
        "sms": message.reply_to.sms,
        "occurred_at": message.occurred_at,
        "received_at": message.received_at,
        "deadline": decision.deadline,
        "reasons": orjson.dumps(reasons).decode(),
    }


def _described(message: MessageReceived, decision: Decision) -> Described:
    address = message.place.address if message.place else None
    return Described(message.code, decision.unit, message.received_at, message.text, address)


def _history_row(message: MessageReceived, decision: Decision) -> Row:
    row: dict[str, Any] = {"code": message.code, "revision": 1, "step": Step.REFER.value}
    row |= {"status": Status.REFERRED.value, "unit": decision.unit, "at": _now()}
    return row


def _opened(message: MessageReceived, decision: Decision, city: City) -> CaseOpened:
    topic = city.topics.get(decision.topic or "")
    return CaseOpened(
        at=_now(),
        code=message.code,
        revision=1,
        channel=message.channel,
        platform=message.platform,
        kind=decision.kind,
        topic=topic.code if topic else UNKNOWN_TOPIC,
        deputy=topic.deputy if topic else UNKNOWN_TOPIC,
        unit=decision.unit,
        level=city.units[decision.unit].level,
        region=decision.spot.region,
        urgent=decision.urgent,
        call_id=message.call_id,
        occurred_at=message.occurred_at,
        received_at=message.received_at,
        deadline=decision.deadline,
    )


def _registered(message: MessageReceived, decision: Decision, city: City) -> NotificationRequested:
    topic = city.topics.get(decision.topic or "")
    return NotificationRequested(
        at=_now(),
        code=message.code,
        revision=1,
        told=Told.REGISTERED,
        unit_title=city.units[decision.unit].title_fa,
        topic_title=topic.title_fa if topic else "پیام شما",
        urgent=decision.urgent,
        channel=Channel(message.channel),
        platform=message.platform,
        reply_to=message.reply_to,
    )


def _now() -> datetime:
    return datetime.now().astimezone()
