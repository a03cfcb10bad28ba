import asyncio
from collections.abc import Sequence

from common.errors import is_transient
from common.events import MessageReceived

from tests.integration.families import CHILDS_EVENTS, IN_OTHER_WORDS, Wired, a_family, a_report
from tests.integration.families import routing as routing


async def test_an_answer_waits_for_a_child_that_is_joining(routing: Wired) -> None:
    await routing.receive(first := a_report())
    async with routing.database.transaction() as tx:
        await routing.register(tx, child := a_report(IN_OTHER_WORDS))
        answering = asyncio.create_task(routing.finish(first.code))
        await asyncio.sleep(0.5)
        assert not answering.done()
    assert await answering == "answered"
    assert await routing.events(child.code) == CHILDS_EVENTS


async def test_a_child_that_comes_while_its_parent_is_answered_stands_alone(routing: Wired) -> None:
    await routing.receive(first := a_report())
    children = a_report(IN_OTHER_WORDS), a_report(metres=3)
    async with routing.database.transaction() as tx:
        await tx.execute("UPDATE cases SET status = 'answered', answered_at = now() WHERE code = $1", first.code)
        joining = asyncio.create_task(routing.receive(*children))
        await asyncio.sleep(0.5)
        assert not joining.done()
    await joining
    assert await routing.parents(*children) == [None, children[0].code]


async def test_a_child_that_comes_while_its_parent_is_attached_goes_where_that_went(routing: Wired) -> None:
    await routing.receive(first := a_report(), other := a_report(metres=500))
    async with routing.database.transaction() as tx:
        moved = "UPDATE cases SET status = 'joined', parent = $2 WHERE code = $1"
        await tx.execute(moved, first.code, other.code)
        joining = asyncio.create_task(routing.receive(child := a_report(IN_OTHER_WORDS)))
        await asyncio.sleep(0.5)
        assert not joining.done()
    await joining
    assert await routing.parents(child) == [other.code]


async def test_replicas_that_join_and_one_that_answers_forget_nobody(routing: Wired) -> None:
    firsts = [a_report(metres=100 * n) for n in range(4)]
    await routing.receive(*firsts)
    reports = [a_report(IN_OTHER_WORDS, metres=100 * (n % 4) + n % 7) for n in range(400)]
    batches = [_as_the_consumer(routing, reports[n : n + 20]) for n in range(0, 400, 20)]
    await asyncio.gather(*batches, *(routing.finish(first.code) for first in firsts))
    left = "SELECT count(*) FROM cases c JOIN cases p ON p.code = c.parent WHERE c.status = 'joined' AND p.status = $1"
    assert await routing.read(left, "answered") == [(0,)]
    told = "SELECT count(*) n FROM outbox WHERE body::json->>'told' = 'done' GROUP BY key"
    answered = await routing.read("SELECT count(*) FROM cases WHERE status = 'answered'")
    assert await routing.read(f"SELECT count(*), max(n) FROM ({told})") == [(answered[0][0], 1)]


async def _as_the_consumer(routing: Wired, reports: Sequence[MessageReceived]) -> None:
    """Again after a deadlock, which passes by itself: joining holds parents, an incident that grows holds its cases."""
    while True:
        try:
            await routing.receive(*reports)
            return
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(0.05)


async def test_thousands_of_children_are_answered_at_once(routing: Wired) -> None:
    first = (await a_family(routing, 3000))[0]
    assert (await routing.case(first.code))["children"] == 3000
    await routing.step(first.code, "work-orders", {})
    await routing.step(first.code, "findings", {"finding": "actionable"})
    assert await routing.step(first.code, "completions", {"outcome": "چاله ترمیم شد"}) == "answered"
    told = "SELECT count(DISTINCT key), count(*) FROM outbox WHERE body::json->>'told' = 'done'"
    assert await routing.read(told) == [(3001, 3001)]
    assert await routing.read("SELECT count(*) FROM cases WHERE status <> 'answered'") == [(0,)]
