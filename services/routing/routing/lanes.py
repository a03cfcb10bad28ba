"""The urgent lane: what intake thought may be urgent. Half of it is, so a lane that is behind is sorted first.

A message and what is added to it may come by different lanes, so here an amendment can be there before its case: it
joins the bulk then, and comes after the message, which is in the bulk already or was sent there by this lane.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

from common.db import Transaction
from common.events import CaseEvent, MessageAmended, MessageReceived, UrgentMessageAmended, UrgentMessageReceived
from uuid_utils.compat import uuid7

from routing.amending import Amending
from routing.handlers import Register

Bulk = TypeVar("Bulk", bound=CaseEvent)
_KNOWN = "SELECT code FROM cases WHERE code = ANY($1::text[])"
BEHIND = 100  # messages in one batch, from which on others wait; to read a text costs a quarter of a case


def register_urgent_with(
    register: Register,
) -> Callable[[Sequence[UrgentMessageReceived], Transaction], Awaitable[None]]:
    """The handler of the urgent lane; `register` opens cases as for any message."""

    async def register_urgent(received: Sequence[UrgentMessageReceived], tx: Transaction) -> None:
        """Open the cases; while the lane is behind, only those that sound urgent, and the others join the bulk. A rule
        may make one of these urgent all the same: it is marked so, and has waited with the bulk."""
        read = register.read(received)
        if len(received) >= BEHIND:
            tx.publish(*(_as_bulk(message, MessageReceived) for message, reading in read if not reading.alarm.urgent))
            read = [one for one in read if one[1].alarm.urgent]
        if read:
            await register.open_cases(register.settle(read), tx)

    return register_urgent


def amend_urgent_with(
    amending: Amending,
) -> Callable[[Sequence[UrgentMessageAmended], Transaction], Awaitable[None]]:
    """The handler of what is added to messages that may be urgent."""

    async def amend_urgent(received: Sequence[UrgentMessageAmended], tx: Transaction) -> None:
        """Amend the cases that are there; what is added to others follows their messages."""
        known = {row["code"] for row in await tx.fetch(_KNOWN, [one.code for one in received])}
        tx.publish(*(_as_bulk(one, MessageAmended) for one in received if one.code not in known))
        await amending.amend_cases([one for one in received if one.code in known], tx)

    return amend_urgent


def _as_bulk(urgent: CaseEvent, kind: type[Bulk]) -> Bulk:
    """The same, as an event of its own."""
    fields = {name: getattr(urgent, name) for name in kind.model_fields}
    return cast(Bulk, kind.model_construct(**fields | {"id": uuid7()}))
