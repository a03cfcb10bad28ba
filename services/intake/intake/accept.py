"""Accept: from here on the three channels are one path. Many contacts, one transaction, each awaits its own answer.

Stored together: the message (or reply), its event in the outbox, and what was answered to its idempotency key.
"""

from collections.abc import Mapping, Sequence

from common.db import Transaction
from common.errors import Problem
from common.events import MessageReceived, ReplyReceived
from common.idempotency import First, first_answers, remember

from intake.attachments import enclosed
from intake.contact import Contact, with_new_code
from intake.models import Message, Reply, table
from intake.receipt import Receipt

TRIES = 5  # for a free code; with 5 million taken of a thousand million the first is free 199 times of 200


async def store(contacts: Sequence[Contact], tx: Transaction) -> list[Receipt | Problem]:
    """Store a group of contacts; what came before under the same key gets its first answer again."""
    firsts = await first_answers([c.origin.key for c in contacts if c.origin.key], tx)
    fresh = _fresh(contacts, firsts)
    refused = await enclosed.refuse(fresh, tx)
    stored = await _store_fresh({n: c for n, c in fresh.items() if n not in refused}, tx)
    made = {c.origin.key: First(c.origin.body, _receipt(c).document()) for c in stored.values() if c.origin.key}
    await remember(made, tx)
    firsts |= made
    by_key = {fresh[n].origin.key: problem for n, problem in refused.items()}
    return [
        _receipt(stored[n]) if n in stored else refused.get(n) or _again(firsts, by_key, contact)
        for n, contact in enumerate(contacts)
    ]


def _again(
    firsts: Mapping[bytes, First], refused: Mapping[bytes | None, Problem], contact: Contact
) -> Receipt | Problem:
    """The first answer to the contact's key; what was refused in this very group is refused again."""
    first = firsts.get(contact.origin.key or b"")
    if first is None:
        return refused[contact.origin.key]
    return first.clash(contact.origin.body) or Receipt.again(first.answer)


def _fresh(contacts: Sequence[Contact], firsts: Mapping[bytes, First]) -> dict[int, Contact]:
    """Those whose key is new, each key once; by their place in the group."""
    seen = set(firsts)
    fresh: dict[int, Contact] = {}
    for n, contact in enumerate(contacts):
        key = contact.origin.key
        if key is None or key not in seen:
            fresh[n] = contact
        if key is not None:
            seen.add(key)
    return fresh


async def _store_fresh(fresh: Mapping[int, Contact], tx: Transaction) -> dict[int, Contact]:
    """Rows and events; the contacts as stored, some with another code than they came with."""
    messages = {n: c for n, c in fresh.items() if isinstance(c.event, MessageReceived)}
    replies = {n: c for n, c in fresh.items() if isinstance(c.event, ReplyReceived)}
    stored = await _store_messages(messages, tx) | replies
    await tx.insert(table(Reply), [_reply_row(c) for c in replies.values()])
    await enclosed.note(stored.values(), tx)
    tx.publish(*(stored[n].event for n in fresh))
    return stored


async def _store_messages(messages: Mapping[int, Contact], tx: Transaction) -> dict[int, Contact]:
    stored: dict[int, Contact] = {}
    waiting = dict(messages)
    for _ in range(TRIES):
        if not waiting:
            return stored
        rows = [_message_row(c) for c in waiting.values()]
        taken = await tx.insert(table(Message), rows, then="ON CONFLICT DO NOTHING RETURNING code")
        free = {row[0] for row in taken}
        for n, contact in list(waiting.items()):
            if contact.event.code in free:
                free.discard(contact.event.code)
                stored[n] = waiting.pop(n)
            else:
                waiting[n] = with_new_code(contact)
    raise RuntimeError(f"no free code in {TRIES} tries; are the codes used up?")


def _message_row(contact: Contact) -> dict[str, object]:
    event, origin = contact.event, contact.origin
    assert isinstance(event, MessageReceived)
    place = event.place.model_dump_json(exclude_none=True) if event.place else None
    return {
        "code": event.code,
        "channel": event.channel.value,
        "platform": event.platform,
        "text": event.text,
        "kind": event.kind.value if event.kind else None,
        "topic": event.topic,
        "place": place,
        "phone": event.reply_to.phone,
        "phone_lookup": event.reply_to.phone_lookup,
        "name": event.reply_to.name,
        "sms": event.reply_to.sms,
        "account": event.reply_to.account,
        "account_lookup": event.reply_to.account_lookup,
        "call_id": event.call_id,
        "citizen": origin.caller.citizen,
        "taken_by": origin.caller.subject,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
    }


def _reply_row(contact: Contact) -> dict[str, object]:
    event = contact.event
    assert isinstance(event, ReplyReceived)
    return {
        "id": str(event.id),
        "answer": event.answer.value,
        "channel": event.channel.value,
        "platform": event.platform,
        "code": event.code,
        "phone_lookup": event.phone_lookup,
        "text": event.text or "",
        "stars": event.stars,
        "taken_by": contact.origin.caller.subject,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
    }


def _receipt(contact: Contact) -> Receipt:
    return Receipt(contact.event.code, contact.received_at, tuple(contact.warnings))
