"""What Asterisk's queue events say, as moments of calls and states of agents. No I/O.

Events and fields: https://docs.asterisk.org/Latest_API/API_Documentation/AMI_Events/ (QueueCallerJoin, AgentCalled,
AgentConnect, …); a call is known by its `Linkedid`, its caller's own channel by `Uniqueid`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from common.persian import parse_phone
from pydantic import ValidationError

from intake.channels.phone.ami import Block
from intake.channels.phone.schemas import AgentEventIn, CallEventIn
from intake.channels.phone.states import AgentState, Moment, agent_id

Fact = CallEventIn | AgentEventIn
MOST_CALLS = 20_000  # remembered until their channel hangs up; a day's worth

# Device states: https://docs.asterisk.org/Latest_API/API_Documentation/AMI_Events/QueueMemberStatus/
_GONE = ("4", "5")  # invalid, unavailable
_TALKING = ("2", "3", "7", "8")  # in use, busy, ringing while in use, on hold
_RINGING = "6"
_CALLS = {
    "QueueCallerJoin": Moment.JOINED,
    "AgentCalled": Moment.OFFERED,
    "AgentConnect": Moment.ANSWERED,
    "AgentComplete": Moment.ENDED,
    "QueueCallerAbandon": Moment.ABANDONED,
}
_OVER = (Moment.ENDED, Moment.ABANDONED)


def agent_state(status: str, *, paused: bool, in_call: bool) -> AgentState:
    """What a member of a queue does, by its device's state and what the queue says of it."""
    if status in _GONE:
        return AgentState.OFFLINE
    if paused:
        return AgentState.PAUSED
    if in_call or status in _TALKING:
        return AgentState.BUSY
    return AgentState.RINGING if status == _RINGING else AgentState.READY


def agent_of(interface: str) -> str:
    """A member by its interface, not by its name, which is a person's: `PJSIP/401` and `Local/401@queues/n` are 401."""
    return agent_id(interface.partition("/")[2].partition("@")[0].partition("/")[0] or interface)


def _call_id(block: Block) -> str:
    """Early Asterisk 13 has no `Linkedid`; there a call that is handed on becomes another one."""
    return block.get("Linkedid") or block["Uniqueid"]


def moment_of(block: Block, now: datetime) -> datetime:
    """When it happened: `Timestamp`, which `timestampevents=yes` adds, else now."""
    try:
        return datetime.fromtimestamp(float(block["Timestamp"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return now


@dataclass
class Listener:
    """Translates the events of one connection; it remembers the calls and the members that it heard of."""

    calls: dict[str, tuple[str, str]] = field(default_factory=dict)  # Linkedid → its queue, its caller's channel
    members: dict[tuple[str, str], Block] = field(default_factory=dict)  # queue, agent → what was last said
    refused: int = 0

    def facts(self, block: Block, now: datetime) -> list[Fact]:
        """What an event says; nothing when it is not about a queue, or makes no sense."""
        translate = _TRANSLATE.get(block.get("Event", ""))
        if translate is None:
            return []
        try:
            return list(translate(self, block, moment_of(block, now)))
        except (KeyError, ValidationError):
            self.refused += 1
            return []

    def entry(self, block: Block, now: datetime) -> list[Fact]:
        """A caller of whom a list of the queue tells; it knows the caller's channel alone, not the call."""
        try:
            joined = now - timedelta(seconds=float(block.get("Wait", "0")))
            about = {"Event": "QueueCallerJoin", "Linkedid": block["Uniqueid"], "Timestamp": str(joined.timestamp())}
            return self.facts({**block, **about}, now)
        except (ValueError, OverflowError):
            self.refused += 1
            return []

    def remember(self, call_id: str, queue: str, leg: str) -> None:
        """A call that is in a queue, or with an agent."""
        self.calls[call_id] = (queue, leg)
        if len(self.calls) > MOST_CALLS:
            del self.calls[next(iter(self.calls))]

    def _call(self, block: Block, at: datetime) -> Iterator[Fact]:
        moment, call_id, queue = _CALLS[block["Event"]], _call_id(block), block["Queue"]
        agent = agent_of(block["Interface"]) if "Interface" in block else None
        leg, caller = block.get("Uniqueid"), parse_phone(block.get("CallerIDNum", ""))
        yield CallEventIn(
            call_id=call_id,
            queue=queue,
            event=moment,
            at=at,
            agent=agent,
            leg=leg if moment is Moment.JOINED and leg != call_id else None,
            caller=caller.e164 if moment is Moment.JOINED and caller else None,
        )
        if moment in _OVER:
            self.calls.pop(call_id, None)
        else:
            self.remember(call_id, queue, leg or call_id)
        if agent is not None:
            yield self._at_call(moment, queue, agent, at)

    def _at_call(self, moment: Moment, queue: str, agent: str, at: datetime) -> AgentEventIn:
        """What a call does to an agent; devices that Asterisk does not watch tell nothing themselves."""
        member = self.members.get((queue, agent), {})
        resting = agent_state(member.get("Status", "1"), paused=member.get("Paused") == "1", in_call=False)
        state = resting
        if resting is AgentState.READY and moment is not Moment.ENDED:
            state = AgentState.BUSY if moment is Moment.ANSWERED else AgentState.RINGING
        return AgentEventIn(queue=queue, agent=agent, state=state, at=at)

    def _not_taken(self, block: Block, at: datetime) -> Iterator[Fact]:
        yield self._at_call(Moment.ENDED, block["Queue"], agent_of(block["Interface"]), at)

    def _left(self, block: Block, at: datetime) -> Iterator[Fact]:
        if (call_id := _call_id(block)) in self.calls:  # else it was abandoned, and that was said
            yield CallEventIn(call_id=call_id, queue=block["Queue"], event=Moment.LEFT, at=at)

    def _hung_up(self, block: Block, at: datetime) -> Iterator[Fact]:
        """The caller's own channel alone; those of agents who were rung hang up too."""
        call_id = _call_id(block)
        queue, leg = self.calls.get(call_id, ("", ""))
        if leg == block["Uniqueid"]:
            del self.calls[call_id]
            yield CallEventIn(call_id=call_id, queue=queue, event=Moment.ENDED, at=at)

    def _member(self, block: Block, at: datetime) -> Iterator[Fact]:
        agent = agent_of(block.get("Interface") or block["Location"])  # a list of members says Location
        self.members[block["Queue"], agent] = block
        paused, in_call = block.get("Paused") == "1", block.get("InCall") == "1"
        state = agent_state(block.get("Status", "1"), paused=paused, in_call=in_call)
        yield AgentEventIn(queue=block["Queue"], agent=agent, state=state, at=at)

    def _removed(self, block: Block, at: datetime) -> Iterator[Fact]:
        agent = agent_of(block["Interface"])
        self.members.pop((block["Queue"], agent), None)
        yield AgentEventIn(queue=block["Queue"], agent=agent, state=AgentState.OFFLINE, at=at)


_TRANSLATE: Mapping[str, Callable[[Listener, Block, datetime], Iterator[Fact]]] = {
    **dict.fromkeys(_CALLS, Listener._call),
    "AgentRingNoAnswer": Listener._not_taken,
    "QueueCallerLeave": Listener._left,
    "Hangup": Listener._hung_up,
    "QueueMember": Listener._member,
    "QueueMemberAdded": Listener._member,
    "QueueMemberStatus": Listener._member,
    "QueueMemberPause": Listener._member,
    "QueueMemberRemoved": Listener._removed,
}
