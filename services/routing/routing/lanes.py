"""The urgent lane: what intake thought may be urgent. Half of it is, so a lane that is behind is sorted first."""

from collections.abc import Awaitable, Callable, Sequence

from common.db import Transaction
from common.events import MessageReceived, UrgentMessageReceived

from routing.decide import Decider
from routing.opening import asked_by
from routing.rulebook import Rulebook

BEHIND = 100  # messages in one batch, from which on others wait; a decision costs a fifth of a case
Register = Callable[[Sequence[MessageReceived], Transaction], Awaitable[None]]


def register_urgent_with(
    decider: Decider, rulebook: Rulebook, register: Register
) -> Callable[[Sequence[UrgentMessageReceived], Transaction], Awaitable[None]]:
    """The handler of the urgent lane; `register` opens cases as for any message."""

    async def register_urgent(received: Sequence[UrgentMessageReceived], tx: Transaction) -> None:
        """Open the cases; while the lane is behind, only the urgent ones, and the others join the bulk."""
        if len(received) < BEHIND:
            await register(received, tx)
            return
        decisions = decider.decide([asked_by(message) for message in received], rulebook.rules)
        judged = list(zip(received, decisions, strict=True))
        tx.publish(*(_as_bulk(message) for message, decision in judged if not decision.urgent))
        if urgent := [message for message, decision in judged if decision.urgent]:
            await register(urgent, tx)

    return register_urgent


def _as_bulk(message: UrgentMessageReceived) -> MessageReceived:
    """The same message, as an event of its own."""
    fields = {name: getattr(message, name) for name in MessageReceived.model_fields if name != "id"}
    return MessageReceived.model_construct(**fields)
