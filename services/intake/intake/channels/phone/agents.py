"""What the agents of the queues do: the last word of each, by the exchange's own time, in whatever order it comes."""

from collections.abc import Sequence

from common.db import Row, Transaction

from intake.channels.phone.models import QueueAgent
from intake.channels.phone.schemas import AgentEventIn
from intake.models import table

_LATEST = """
ON CONFLICT (queue, agent) DO UPDATE SET state = excluded.state, at = excluded.at
WHERE (excluded.at, excluded.state) > (queue_agents.at, queue_agents.state)
"""


async def record_agents(events: Sequence[AgentEventIn], tx: Transaction) -> None:
    """Keep what each agent did last."""
    last: dict[tuple[str, str], AgentEventIn] = {}
    for event in events:
        known = last.get((event.queue, event.agent))
        if known is None or (event.at, event.state) > (known.at, known.state):
            last[event.queue, event.agent] = event
    rows: list[Row] = [
        {"queue": queue, "agent": agent, "state": event.state.value, "at": event.at}
        for (queue, agent), event in sorted(last.items())  # one order of locks for every writer
    ]
    await tx.insert(table(QueueAgent), rows, then=_LATEST)
