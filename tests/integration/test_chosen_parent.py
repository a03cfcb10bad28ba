from common.events import Place

from tests.integration.families import VAGUE, Wired, a_report
from tests.integration.families import routing as routing


async def test_a_message_is_joined_to_the_case_that_its_citizen_chose_beyond_the_search(routing: Wired) -> None:
    await routing.receive(chosen := a_report(metres=300))
    await routing.receive(plain := a_report(VAGUE), said := a_report(VAGUE, joins=chosen.code))
    assert await routing.parents(plain, said) == [None, chosen.code]
    assert "the citizen says" in (await routing.case(said.code))["reasons"]["duplicate"]


async def test_without_a_point_of_its_own_it_is_joined_as_well(routing: Wired) -> None:
    await routing.receive(chosen := a_report())
    await routing.receive(said := a_report(VAGUE, joins=chosen.code, place=Place(region=2)))
    assert await routing.parents(said) == [chosen.code]


async def test_a_case_that_was_answered_meanwhile_an_unknown_one_and_another_topic_are_let_go(routing: Wired) -> None:
    await routing.receive(chosen := a_report())
    assert await routing.finish(chosen.code) == "answered"
    await routing.receive(other := a_report(topic="TC-MANHOLE"))
    said = [a_report(VAGUE, metres=500 * n, joins=code) for n, code in enumerate([chosen.code, "0", other.code], 1)]
    await routing.receive(*said)
    assert await routing.parents(*said) == [None, None, None]


async def test_it_is_joined_to_the_parent_of_a_chosen_child(routing: Wired) -> None:
    await routing.receive(first := a_report(), child := a_report())
    await routing.receive(said := a_report(VAGUE, metres=200, joins=child.code))
    assert await routing.parents(child, said) == [first.code, first.code]
