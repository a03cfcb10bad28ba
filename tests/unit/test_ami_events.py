from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.channels.phone.ami import parse_block
from intake.channels.phone.ami_events import Fact, Listener, agent_of, agent_state
from intake.channels.phone.schemas import AgentEventIn, CallEventIn
from intake.channels.phone.states import AgentState, Moment

from tests.ami_server import encode

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
CALL = {"Queue": "137", "Linkedid": "9.1", "Uniqueid": "9.1", "CallerIDNum": "09121234567"}
AGENT = {"MemberName": "نام کارشناس", "Interface": "PJSIP/401"}


def said(listener: Listener, event: str, **fields: str) -> list[Fact]:
    return listener.facts({"Event": event} | CALL | fields, NOW)


def states(facts: list[Fact]) -> list[AgentState]:
    return [fact.state for fact in facts if isinstance(fact, AgentEventIn)]


def moments(facts: list[Fact]) -> list[Moment]:
    return [fact.event for fact in facts if isinstance(fact, CallEventIn)]


def test_a_block_is_its_lines_and_the_last_of_a_name_counts() -> None:
    raw = b"Event: Hangup\r\nChanVariable: a=1\r\nChanVariable: b: 2\r\nCallerIDName: \xff\r\nnonsense\r\n\r\n"
    assert parse_block(raw) == {"Event": "Hangup", "ChanVariable": "b: 2", "CallerIDName": "�"}


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True), st.from_regex(r"[\w.:/@-]{1,20}", fullmatch=True))
)
def test_a_block_is_read_as_it_was_written(block: dict[str, str]) -> None:
    assert parse_block(encode(block)) == block


@given(st.dictionaries(st.sampled_from(["Event", "Queue", "Linkedid", "Interface", "Timestamp", "Status"]), st.text()))
def test_nothing_that_an_exchange_says_is_our_error(block: dict[str, str]) -> None:
    listener = Listener()
    for event in ("QueueCallerJoin", "QueueMemberStatus", "Hangup", "QueueMemberRemoved", "AgentRingNoAnswer", "Other"):
        assert len(listener.facts(block | {"Event": event}, NOW)) <= 2


@pytest.mark.parametrize(
    ("interface", "agent"),
    [
        ("PJSIP/401", "401"),
        ("SIP/desk-7", "desk-7"),
        ("Local/401@from-queue/n", "401"),
        ("Local/09121234567@from-queue/n", "mobile-4567"),
        ("401", "401"),
    ],
)
def test_an_agent_is_known_by_the_interface_and_not_by_a_name(interface: str, agent: str) -> None:
    assert agent_of(interface) == agent


@pytest.mark.parametrize(
    ("status", "paused", "in_call", "state"),
    [
        ("1", False, False, AgentState.READY),
        ("0", False, False, AgentState.READY),
        ("0", False, True, AgentState.BUSY),
        ("2", False, False, AgentState.BUSY),
        ("8", False, False, AgentState.BUSY),
        ("6", False, False, AgentState.RINGING),
        ("2", True, True, AgentState.PAUSED),
        ("5", True, False, AgentState.OFFLINE),
        ("4", False, False, AgentState.OFFLINE),
    ],
)
def test_what_a_member_does(status: str, paused: bool, in_call: bool, state: AgentState) -> None:
    assert agent_state(status, paused=paused, in_call=in_call) is state


def test_a_call_is_told_from_its_joining_to_its_end_each_once() -> None:
    listener = Listener()
    facts = said(listener, "QueueCallerJoin")
    facts += said(listener, "AgentCalled", **AGENT)
    facts += said(listener, "QueueCallerLeave")
    facts += said(listener, "AgentConnect", **AGENT)
    facts += said(listener, "AgentComplete", **AGENT)
    facts += said(listener, "Hangup")
    assert moments(facts) == [Moment.JOINED, Moment.OFFERED, Moment.LEFT, Moment.ANSWERED, Moment.ENDED]
    assert states(facts) == [AgentState.RINGING, AgentState.BUSY, AgentState.READY]
    assert listener.calls == {}


def test_only_the_callers_own_channel_ends_a_call() -> None:
    listener = Listener()
    said(listener, "QueueCallerJoin")
    said(listener, "AgentCalled", **AGENT)
    assert said(listener, "Hangup", Uniqueid="9.2") == []
    assert states(said(listener, "AgentRingNoAnswer", **AGENT)) == [AgentState.READY]
    assert moments(said(listener, "QueueCallerLeave")) == [Moment.LEFT]  # its time in the queue was over
    assert moments(said(listener, "Hangup")) == [Moment.ENDED]
    assert said(listener, "Hangup") == []


def test_a_call_that_gave_up_has_no_other_end() -> None:
    listener = Listener()
    said(listener, "QueueCallerJoin")
    assert moments(said(listener, "QueueCallerAbandon")) == [Moment.ABANDONED]
    assert said(listener, "QueueCallerLeave") == said(listener, "Hangup") == []


def test_a_paused_agent_stays_paused_after_a_call() -> None:
    listener = Listener()
    said(listener, "AgentConnect", **AGENT)
    assert states(said(listener, "QueueMemberPause", **AGENT, Status="2", Paused="1")) == [AgentState.PAUSED]
    assert states(said(listener, "AgentComplete", **AGENT)) == [AgentState.PAUSED]
    assert states(said(listener, "QueueMemberRemoved", **AGENT)) == [AgentState.OFFLINE]


def test_the_exchanges_own_time_stands_and_numbers_that_are_none_are_left_out() -> None:
    [joined] = said(Listener(), "QueueCallerJoin", Timestamp="1795600000.250000", CallerIDNum="anonymous")
    assert isinstance(joined, CallEventIn)
    assert (joined.at, joined.caller, joined.leg) == (datetime.fromtimestamp(1795600000.25, UTC), None, None)


def test_a_number_that_is_written_at_length_hides_no_call() -> None:
    [joined] = said(Listener(), "QueueCallerJoin", CallerIDNum="0912" + "-" * 40 + "1234567")
    assert isinstance(joined, CallEventIn)
    assert joined.caller == "+989121234567"


def test_a_call_that_was_handed_on_is_one_call_with_another_channel() -> None:
    [joined] = said(Listener(), "QueueCallerJoin", Uniqueid="9.7")
    assert isinstance(joined, CallEventIn)
    assert (joined.call_id, joined.leg) == ("9.1", "9.7")


def test_without_a_linked_id_a_call_is_its_callers_channel() -> None:
    listener = Listener()
    [joined] = listener.facts({"Event": "QueueCallerJoin", "Queue": "137", "Uniqueid": "9.1"}, NOW)
    assert isinstance(joined, CallEventIn)
    assert (joined.call_id, joined.leg) == ("9.1", None)
    assert moments(listener.facts({"Event": "Hangup", "Uniqueid": "9.1"}, NOW)) == [Moment.ENDED]
