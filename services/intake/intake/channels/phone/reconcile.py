"""Comparing an exchange's queues with ours: what it no longer knows is over, what we did not know begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.db import Transaction
from common.sealed import Sealer

from intake.channels.phone.ami import Block
from intake.channels.phone.ami_events import Fact, Listener, agent_of
from intake.channels.phone.calls import lose_calls
from intake.channels.phone.schemas import AgentEventIn
from intake.channels.phone.states import AgentState
from intake.models import WAITING

OPEN_FOR = timedelta(hours=4)  # a call that was answered before that has no channel to hang up any more
_OPEN = f"""
SELECT call_id, queue, coalesce(leg, call_id) AS leg, {WAITING} AS waiting FROM calls
WHERE ({WAITING}) OR (answered_at > $1 AND ended_at IS NULL)
"""
_AGENTS = "SELECT queue, agent FROM queue_agents WHERE state <> 'offline'"


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that is not over, as we know it."""

    call_id: str
    queue: str
    leg: str
    waiting: bool


@dataclass
class Inventory:
    """What an exchange lists of its queues (QueueStatus), beside what we knew before we asked."""

    calls: Sequence[OpenCall]
    agents: Sequence[tuple[str, str]]
    queues: set[str] = field(default_factory=set)
    entries: list[Block] = field(default_factory=list)
    members: set[tuple[str, str]] = field(default_factory=set)

    def note(self, block: Block) -> None:
        """One item of the list; what lacks a field that it must have is let go."""
        kind, queue = block.get("Event"), block.get("Queue", "")
        if kind == "QueueParams":
            self.queues.add(queue)
        elif kind == "QueueEntry" and "Uniqueid" in block:
            self.entries.append(block)
        elif kind == "QueueMember":
            self.members.add((queue, agent_of(block.get("Location", ""))))

    def gone(self) -> list[str]:
        """Calls that waited in one of its queues before we asked, and that it does not list."""
        here = {entry["Uniqueid"] for entry in self.entries}
        waited = (call for call in self.calls if call.waiting and call.queue in self.queues)
        return [call.call_id for call in waited if call.leg not in here]

    def facts(self, listener: Listener, now: datetime) -> list[Fact]:
        """Callers whom we did not know, and agents who are no members any more."""
        known = {leg for _, leg in listener.calls.values()}  # those of `calls` among them
        joined = [
            fact for entry in self.entries if entry["Uniqueid"] not in known for fact in listener.entry(entry, now)
        ]
        removed = [agent for agent in self.agents if agent[0] in self.queues and agent not in self.members]
        return joined + [AgentEventIn(queue=q, agent=a, state=AgentState.OFFLINE, at=now) for q, a in removed]


async def begin_inventory(tx: Transaction, now: datetime) -> Inventory:
    """What we know before the exchange is asked: what joins in between is not judged."""
    calls = [OpenCall(**row) for row in await tx.fetch(_OPEN, now - OPEN_FOR)]
    return Inventory(calls, [(row["queue"], row["agent"]) for row in await tx.fetch(_AGENTS)])


async def settle(inventory: Inventory, tx: Transaction, *, now: datetime, sealer: Sealer) -> int:
    """End as lost what the exchange no longer lists and still waits with us; how many calls."""
    return await lose_calls(inventory.gone(), tx, now=now, sealer=sealer)
