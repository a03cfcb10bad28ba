"""The urgent lane: what intake thought may be urgent. Half of it is, so a lane that is behind is sorted first."""

from collections.abc import Awaitable, Callable, Sequence

from common.db import Transaction
from common.events import MessageReceived, UrgentMessageReceived

from routing.handlers import Register

BEHIND = 100  # messages in one batch, from which on others wait; a decision costs a third of a case


def register_urgent_with(
    register: Register,
) -> Callable[[Sequence[UrgentMessageReceived], Transaction], Awaitable[None]]:
    """The handler of the urgent lane; `register` opens cases as for any message."""

    async def register_urgent(received: Sequence[UrgentMessageReceived], tx: Transaction) -> None:
        """Open the cases; while the lane is behind, only the urgent ones, and the others join the bulk."""
        decided = register.decide(received)
        if len(received) >= BEHIND:
            tx.publish(*(_as_bulk(one.message) for one in decided if not one.decision.urgent))
            decided = [one for one in decided if one.decision.urgent]
        if decided:
            await register.open_cases(decided, tx)

    return register_urgent


def _as_bulk(message: MessageReceived) -> MessageReceived:
    """The same message, as an event of its own."""
    fields = {name: getattr(message, name) for name in MessageReceived.model_fields if name != "id"}
    return MessageReceived.model_construct(**fields)
