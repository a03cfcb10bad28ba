"""A citizen who saw what is open near by says which case is the same."""

from tests.unit.test_duplicates import VAGUE, a_candidate, an_open_case, verdict


def test_the_case_that_a_citizen_chose_is_the_parent_though_the_texts_say_nothing() -> None:
    found = verdict(a_candidate(VAGUE, joins="open"), an_open_case())
    assert (found.parent, found.own) == ("open", False)
    assert found.because == "the citizen says that it is the same"
    assert verdict(a_candidate(VAGUE), an_open_case()).parent is None


def test_it_goes_before_a_nearer_case_and_before_the_citizens_own() -> None:
    mine = an_open_case(code="mine", metres=1, phone_lookup="me")
    chosen = an_open_case(code="chosen", metres=300, hours=9000)
    assert verdict(a_candidate(joins="chosen", phone_lookup="me"), mine, chosen).parent == "chosen"


def test_a_chosen_child_stands_for_its_parent() -> None:
    assert verdict(a_candidate(VAGUE, joins="c"), an_open_case(code="c", parent="p")).parent == "p"
    assert verdict(a_candidate(VAGUE, joins="p"), an_open_case(code="c", parent="p")).parent == "p"


def test_another_topic_a_closed_case_and_the_message_itself_are_not_joined() -> None:
    assert verdict(a_candidate(joins="open"), an_open_case(topic="TC-MANHOLE")).parent is None
    assert verdict(a_candidate(joins="gone")).parent is None
    assert verdict(a_candidate(joins="new"), an_open_case(code="new")).parent is None


def test_what_is_urgent_or_far_away_is_suggested_alone() -> None:
    urgent = verdict(a_candidate(joins="open", urgent=True), an_open_case())
    far = verdict(a_candidate(joins="open"), an_open_case(metres=1500))
    assert [found.parent for found in (urgent, far)] == [None, None]
    assert [found.suggestions[0].code for found in (urgent, far)] == ["open", "open"]
    assert far.suggestions[0].because == "the citizen says that it is the same, but it is 1500 m away"
