"""Callers who took another way, told apart in the report of shifts, whatever the order in which it is told."""

import random
from datetime import timedelta
from typing import Any

from common.events import (
    CallbackChanged,
    CallbackState,
    CallChanged,
    CallDeflected,
    CallEvent,
    Channel,
    ContactReason,
    ContactRecorded,
    Deflection,
    Event,
)

from tests.builders import an_opening
from tests.integration.test_reporting import MORNING, Reporting
from tests.integration.test_reporting import reporting as reporting  # the fixture


def a_call(call_id: str, wait: float, *, answered: bool) -> list[Event]:
    def event(kind: CallEvent, seconds: float) -> Event:
        return CallChanged(at=MORNING + timedelta(seconds=seconds), call_id=call_id, queue="137", event=kind)

    end = CallEvent.ANSWERED if answered else CallEvent.ABANDONED
    return [event(CallEvent.JOINED, 0), event(end, wait)]


def a_deflection(call_id: str, to: Deflection) -> Event:
    return CallDeflected(at=MORNING, call_id=call_id, queue="137", to=to, estimate_seconds=240)


def a_callback(call_id: str, *states: tuple[CallbackState, int]) -> list[Event]:
    """Its last moments are in the next shift; they count with the call all the same."""
    late = MORNING + timedelta(hours=9)
    return [CallbackChanged(at=late, call_id=call_id, queue="137", state=s, attempt=n) for s, n in states]


def a_contact(reason: ContactReason, **given: Any) -> Event:
    return ContactRecorded(**{"at": MORNING, "channel": Channel.PHONE, "reason": reason} | given)


def a_peak() -> list[Event]:
    tried = [(CallbackState.OFFERED, n) for n in (1, 2, 3)] + [(CallbackState.MISSED, n) for n in (1, 2, 3)]
    when: dict[str, Any] = {"occurred_at": MORNING + timedelta(minutes=5), "at": MORNING}
    return [
        *a_call("stays", 60, answered=True),
        *a_call("gives-up", 90, answered=False),
        *[
            event
            for name in ("back-1", "back-2", "back-3", "bot", "app", "none")
            for event in a_call(name, 9, answered=False)
        ],
        *(a_deflection(f"back-{n}", Deflection.CALLBACK) for n in (1, 2, 3)),
        *(a_deflection(name, Deflection.LINK) for name in ("bot", "app", "none")),
        *a_callback("back-1", (CallbackState.PLANNED, 0), (CallbackState.OFFERED, 1), (CallbackState.REACHED, 1)),
        *a_callback("back-2", (CallbackState.PLANNED, 0), *tried, (CallbackState.CLOSED, 3)),
        *a_callback("back-3", (CallbackState.PLANNED, 0), (CallbackState.OFFERED, 1)),
        an_opening(channel=Channel.SOCIAL, platform="telegram", call_id="bot", **when),
        an_opening(channel=Channel.APP, call_id="app", **when),
        an_opening(channel=Channel.PHONE, call_id="back-1", **when),
        an_opening(channel=Channel.PHONE, call_id="stays", **when),
        a_contact(ContactReason.FOLLOW_UP, code="1234567897", call_id="stays"),
        a_contact(ContactReason.GUIDANCE, call_id="gives-up"),
        a_contact(ContactReason.GUIDANCE, channel=Channel.SOCIAL, platform="bale"),
    ]


EXPECTED = {
    "messages": 4,
    "contacts": {"phone": 8, "social": 2, "app": 1},
    "calls": {"offered": 0, "answered": 1, "abandoned": 1, "mean_wait": 75.0, "p95_wait": 88.5},
    "deflected": {"callback": 3, "link": 3, "links_followed": 2},
    "deflected_messages": 3,
    "callbacks_reached": 1,
    "callbacks_closed": 1,
    "contacts_without_message": {"follow_up": 1, "guidance": 2},
}


async def test_the_deflected_are_told_apart_in_the_report_of_shifts(reporting: Reporting) -> None:
    await reporting.receive(a_peak())
    shift = await reporting.shift("morning")
    assert {name: shift[name] for name in EXPECTED} == EXPECTED
    report = (await reporting.asked.get("/v1/reports/shifts", "supervisor", **{"from": "1405-09-03"})).json()
    assert (report["totals"]["deflected"], report["totals"]["callbacks_closed"]) == (6, 1)


async def test_who_took_another_way_after_the_shift_changed_counts_where_the_call_does(reporting: Reporting) -> None:
    noon = MORNING + timedelta(hours=5, minutes=30)
    times = {
        "b": (-30, 40),
        "c": (-20, 10),
        "a": (20, -10),
    }  # seconds; of "a" the exchange asked before the call joined
    calls = [
        CallChanged(at=noon + timedelta(seconds=joined), call_id=call, queue="137", event=CallEvent.JOINED)
        for call, (joined, _) in times.items()
    ]
    ways = [
        a_deflection(call, Deflection.LINK).model_copy(update={"at": noon + timedelta(seconds=taken)})
        for call, (_, taken) in times.items()
    ]
    await reporting.receive([*calls, *ways])
    shifts = [await reporting.shift(name) for name in ("morning", "noon")]
    assert [(shift["contacts"]["phone"], shift["deflected"]["link"]) for shift in shifts] == [(2, 2), (1, 1)]


async def test_who_took_another_way_before_joining_a_queue_called_all_the_same(reporting: Reporting) -> None:
    await reporting.receive([a_deflection("early", Deflection.CALLBACK), a_deflection("back", Deflection.CALLBACK)])
    assert (await reporting.shift("morning"))["contacts"]["phone"] == 2
    await reporting.receive(a_call("early", 9, answered=False))
    assert (await reporting.shift("morning"))["contacts"]["phone"] == 2


async def test_shuffled_and_doubled_events_give_the_same_facts(reporting: Reporting) -> None:
    peak = a_peak()
    await reporting.receive(peak)
    facts = await reporting.facts()
    for seed in range(8):
        dice = random.Random(seed)
        twice = [*peak, *dice.choices(peak, k=len(peak))]
        dice.shuffle(twice)
        await reporting.forget()
        await reporting.receive(twice, batch=1 + seed * 3)
        assert await reporting.facts() == facts
        shift = await reporting.shift("morning")
        assert {name: shift[name] for name in EXPECTED} == EXPECTED
