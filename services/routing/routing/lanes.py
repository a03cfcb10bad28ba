"""The urgent lane: what intake thought may be urgent. Half of it is, so a lane that is behind is sorted first."""

from collections.abc import Awaitable, Callable, Sequence

from common.db import Transaction
from common.events import MessageReceived, UrgentMessageReceived
from uuid_utils.compat import uuid7

from routing.handlers import Register

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
            tx.publish(*(_as_bulk(message) for message, reading in read if not reading.alarm.urgent))
            read = [one for one in read if one[1].alarm.urgent]
        if read:
            await register.open_cases(register.settle(read), tx)

    return register_urgent


def _as_bulk(message: MessageReceived) -> MessageReceived:
    """The same message, as an event of its own."""
    fields = {name: getattr(message, name) for name in MessageReceived.model_fields}
    return MessageReceived.model_construct(**fields | {"id": uuid7()})
