"""A promise whose answer was lost on the way to the exchange, so that the caller stayed in the queue."""

from datetime import UTC, datetime

from intake.channels.phone.keeping import keep_once

from tests.integration.test_overflow import Desk
from tests.integration.test_overflow import desk as desk  # the fixture


async def test_who_waited_all_the_same_and_was_answered_is_not_rung_up(desk: Desk) -> None:
    await desk.queue(waiting=12)
    for call in ("c1", "c2"):
        await desk.decide(call)
        await desk.choose("callback", call)
    await desk.tell("c1", "answered", at=datetime.now(UTC), agent="a-1")
    await desk.due_now()
    for _ in range(2):
        await keep_once(desk.database, desk.ways, datetime.now(UTC))
    taken = await desk.take()
    assert taken is not None
    assert taken["call_id"] == "c2"
    changed = [(event["call_id"], event["state"]) for event in await desk.events("callback.changed.v1")]
    assert changed == [("c1", "planned"), ("c2", "planned"), ("c1", "reached"), ("c2", "offered")]


async def test_an_operator_who_rings_up_just_then_has_the_last_word(desk: Desk) -> None:
    await desk.queue(waiting=12)
    await desk.decide()
    await desk.choose("callback")
    await desk.due_now()
    assert await desk.take() is not None
    await desk.tell("c1", "answered", at=datetime.now(UTC), agent="a-1")
    await keep_once(desk.database, desk.ways, datetime.now(UTC))
    assert (await desk.outcome("c1", "missed")).json()["state"] == "missed"
