"""Overflow: what the next caller has to expect, what they are offered, and what they took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record
from common.db import Transaction
from common.errors import Problem
from common.events import CallDeflected, Deflection, Prompt
from common.persian import Phone, parse_phone

from intake.call_links import link
from intake.channels.phone.callbacks import earliest, promise, prompt, taking_over
from intake.channels.phone.estimate import Estimate, Seen, estimate
from intake.channels.phone.overflow_schemas import CallerIn, Choice, ChoiceIn
from intake.channels.phone.queue_state import QueueState, queue_states
from intake.channels.phone.states import AgentState
from intake.channels.phone.ways import Ways
from intake.models import WAITING

LONGEST = 7200.0  # seconds; said of a queue in which nobody works
_DEFLECTED = "EXISTS (SELECT FROM decisions d WHERE d.call_id = calls.call_id AND d.choice IN ('callback', 'link'))"
_AHEAD = f"""
SELECT count(*) FROM calls WHERE {WAITING} AND queue = $1
  AND (coalesce(last_joined_at, joined_at), call_id)
      < (coalesce((SELECT coalesce(me.last_joined_at, me.joined_at) FROM calls me WHERE me.call_id = $3), $2), $3)
  AND call_id <> $3 AND NOT {_DEFLECTED}
"""
_WAITS = f"""
SELECT coalesce(sum(extract(epoch FROM coalesce(answered_at, abandoned_at) - joined_at)), 0)::float8 AS waits,
       count(*) FILTER (WHERE answered_at IS NULL) AS gave_up,
       count(DISTINCT agent) FILTER (WHERE answered_at > $2::timestamptz - interval '15 minutes') AS agents
FROM calls WHERE queue = $1 AND joined_at > $2::timestamptz - interval '1 hour' AND joined_at <= $2
  AND coalesce(answered_at, abandoned_at) >= joined_at AND NOT {_DEFLECTED}
"""
_KEEP = """
INSERT INTO decisions (call_id, queue, caller, caller_lookup, mobile, estimate_seconds, at_most_seconds, options, topic,
                       callback_at, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (call_id) DO UPDATE SET estimate_seconds = excluded.estimate_seconds,
    at_most_seconds = excluded.at_most_seconds, options = excluded.options, callback_at = excluded.callback_at,
    topic = coalesce(excluded.topic, decisions.topic), asked_at = excluded.asked_at,
    caller = excluded.caller, caller_lookup = excluded.caller_lookup, mobile = excluded.mobile
WHERE coalesce(decisions.choice, 'wait') = 'wait' RETURNING *
"""
_CHOOSE = "UPDATE decisions SET choice = $2, chosen_at = $3, url = $4, callback_at = $5 WHERE call_id = $1"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a caller is told."""

    expected: Estimate
    options: Sequence[Choice]
    callback_at: datetime | None = None


def offer(expected: Estimate, number: Phone | None, callback_at: datetime | None, ways: Ways) -> Offer:
    """Waiting, and other ways where it is not sure that the wait stays under what is promised."""
    if expected.at_most <= ways.overflow_seconds:
        return Offer(expected, [Choice.WAIT])
    options = [Choice.WAIT]
    if number is not None and callback_at is not None:
        options.append(Choice.CALLBACK)
    if number is not None and number.mobile and ways.links:
        options.append(Choice.LINK)
    return Offer(expected, options, callback_at if Choice.CALLBACK in options else None)


async def decide(asked: CallerIn, at: datetime, tx: Transaction, *, ways: Ways) -> Record:
    """The decision for a caller, stored, and a new one each time they ask; who took another way keeps that one."""
    number = parse_phone(asked.caller) if asked.caller else None
    expected = estimate(await see(asked.queue, asked.call_id, at, tx=tx, ways=ways))
    turn = at + timedelta(seconds=min(expected.seconds, LONGEST))
    made = offer(expected, number, await earliest(turn, at, tx=tx, ways=ways), ways)
    return await _keep(asked, at, tx, made=made, ways=ways)


async def see(queue: str, call_id: str, at: datetime, *, tx: Transaction, ways: Ways) -> Seen:
    """What a call finds ahead of it, by the tables alone."""
    state = next((s for s in await queue_states(tx, at) if s.queue == queue), QueueState(queue))
    ahead = await tx.fetchval(_AHEAD, queue, at, call_id)
    waits = await tx.fetchrow(_WAITS, queue, at)
    assert waits is not None
    agents = state.at_work if state.agents else waits["agents"]  # an exchange need not tell of its agents
    return Seen(
        ahead=ahead,
        agents=max(0, agents - await taking_over(agents, at, tx=tx, ways=ways)),
        free=state.agents.get(AgentState.READY, 0),
        services=[call.service_seconds for call in state.handled],
        waits=waits["waits"],
        gave_up=waits["gave_up"],
    )


async def _keep(asked: CallerIn, at: datetime, tx: Transaction, *, made: Offer, ways: Ways) -> Record:
    number = parse_phone(asked.caller) if asked.caller else None
    kept = await tx.fetchrow(
        _KEEP,
        asked.call_id,
        asked.queue,
        ways.sealer.seal(number.e164) if number else None,
        ways.sealer.lookup(number.e164) if number else None,
        number is not None and number.mobile,
        min(made.expected.seconds, LONGEST),
        min(made.expected.at_most, LONGEST),
        [choice.value for choice in made.options],
        ways.menu.topic(asked.keys, at),
        made.callback_at,
        at,
    )
    return kept or await _decision(asked.call_id, tx)


async def choose(call_id: str, chosen: ChoiceIn, at: datetime, *, tx: Transaction, ways: Ways) -> Record:
    """What the caller took, once; Problem 404 or 409. Who waits may still take another way."""
    decision = await _decision(call_id, tx)
    if decision["choice"] == chosen.choice:
        return decision
    if decision["choice"] not in (None, Choice.WAIT):
        raise Problem(409, f"This caller took {decision['choice']} before.")
    if chosen.choice not in decision["options"]:
        raise Problem(409, f"This caller was offered {', '.join(decision['options'])}.")
    callback_at = await _promised(decision, at, tx, ways) if chosen.choice is Choice.CALLBACK else None
    url = _sent(decision, chosen, at, tx, ways) if chosen.choice is Choice.LINK else None
    if chosen.choice is not Choice.WAIT:
        tx.publish(_deflected(decision, chosen.choice, at))
    await tx.execute(_CHOOSE, call_id, chosen.choice.value, at, url, callback_at)
    return await _decision(call_id, tx)


async def _decision(call_id: str, tx: Transaction) -> Record:
    found = await tx.fetchrow("SELECT * FROM decisions WHERE call_id = $1 FOR UPDATE", call_id)
    if found is None:
        raise Problem(404, "No decision was asked for this call; ask `POST /v1/phone/decisions` first.")
    return found


async def _promised(decision: Record, at: datetime, tx: Transaction, ways: Ways) -> datetime:
    turn = max(at, decision["asked_at"] + timedelta(seconds=decision["estimate_seconds"]))
    promised = await promise(decision, turn, at, tx=tx, ways=ways)
    if promised is None:
        raise Problem(409, "No time for a callback is left in the next two days; the caller can wait.")
    return promised


def _sent(decision: Record, chosen: ChoiceIn, at: datetime, tx: Transaction, ways: Ways) -> str:
    name: str = chosen.to or next(iter(ways.links), "")
    url = link(ways.links.get(name, ""), decision["call_id"])
    if not url:
        raise Problem(409, f"There is no link to {name or 'send'} for this call.")
    tx.publish(prompt(Prompt.CALL_LINK, decision, at, url=url))
    return url


def _deflected(decision: Record, choice: Choice, at: datetime) -> CallDeflected:
    to, estimated = Deflection(choice.value), decision["estimate_seconds"]
    return CallDeflected(at=at, call_id=decision["call_id"], queue=decision["queue"], to=to, estimate_seconds=estimated)
