"""The state of the telephone queues, from the tables alone: a restart forgets nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.db import Transaction

from intake.channels.phone.states import AT_WORK
from intake.channels.phone.states import AgentState as AgentState
from intake.models import WAITING

HANDLED_WITHIN = timedelta(hours=1)
MOST_HANDLED = 50  # of a queue, the newest


@dataclass(frozen=True, slots=True)
class Handled:
    """A call that was answered and has ended; seconds."""

    ended_at: datetime
    service_seconds: float
    waited_seconds: float | None = None  # None: its joining was never told


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue now: who waits, who works, and the calls that were handled last, newest first."""

    queue: str
    waiting: int = 0
    longest_wait_seconds: float = 0.0
    agents: Mapping[AgentState, int] = field(default_factory=dict)
    handled: Sequence[Handled] = ()

    @property
    def at_work(self) -> int:
        """Agents who take calls: ready, ringing or busy."""
        return sum(self.agents.get(state, 0) for state in AT_WORK)


async def queue_states(tx: Transaction, now: datetime) -> list[QueueState]:
    """Every queue that has a caller, an agent or a call of the last hour, by name."""
    waiting = {row["queue"]: row for row in await tx.fetch(_WAITING_NOW, now)}
    agents = await _agents(tx)
    handled = await _handled(tx, now)
    return [
        QueueState(
            queue,
            waiting[queue]["waiting"] if queue in waiting else 0,
            waiting[queue]["longest"] if queue in waiting else 0.0,
            agents.get(queue, {}),
            handled.get(queue, ()),
        )
        for queue in sorted(waiting.keys() | agents.keys() | handled.keys())
    ]


_WAITING_NOW = f"""
SELECT queue, count(*) AS waiting,
       extract(epoch FROM $1 - min(coalesce(last_joined_at, joined_at)))::float8 AS longest
FROM calls WHERE {WAITING} AND coalesce(last_joined_at, joined_at) <= $1
GROUP BY queue
"""
_AGENTS = "SELECT queue, state, count(*) AS agents FROM queue_agents GROUP BY queue, state"
_HANDLED = """
SELECT queue, ended_at, extract(epoch FROM ended_at - answered_at)::float8 AS service,
       extract(epoch FROM answered_at - joined_at)::float8 AS waited
FROM (
    SELECT *, row_number() OVER (PARTITION BY queue ORDER BY ended_at DESC, call_id) AS newest
    FROM calls WHERE answered_at IS NOT NULL AND ended_at > $1 AND ended_at <= $2
) AS recent
WHERE newest <= $3 AND ended_at >= answered_at
ORDER BY queue, newest
"""


async def _agents(tx: Transaction) -> dict[str, dict[AgentState, int]]:
    states: dict[str, dict[AgentState, int]] = {}
    for row in await tx.fetch(_AGENTS):
        states.setdefault(row["queue"], {})[AgentState(row["state"])] = row["agents"]
    return states


async def _handled(tx: Transaction, now: datetime) -> dict[str, list[Handled]]:
    calls: dict[str, list[Handled]] = {}
    for row in await tx.fetch(_HANDLED, now - HANDLED_WITHIN, now, MOST_HANDLED):
        calls.setdefault(row["queue"], []).append(Handled(row["ended_at"], row["service"], row["waited"]))
    return calls
