"""What counts as answered in time."""

from datetime import timedelta

from common.events import Event, Status, Step

from tests.builders import a_move, an_opening
from tests.integration.test_reporting import MORNING, Reporting
from tests.integration.test_reporting import reporting as reporting


async def test_a_case_is_in_time_by_the_deadline_in_force_when_it_was_last_answered(reporting: Reporting) -> None:
    first, later, latest = (MORNING + timedelta(hours=hours) for hours in (1, 3, 9))
    times = {"occurred_at": MORNING, "received_at": MORNING, "at": MORNING, "deadline": first}
    waited, reopened, late_again = (an_opening(**times) for _ in range(3))
    halfway, afterwards = MORNING + timedelta(minutes=30), first + timedelta(hours=1)
    answer = Step.CLOSE, Status.ANSWERED
    events: list[Event] = [
        *(waited, reopened, late_again),
        a_move(waited.code, 2, *answer, at=afterwards, deadline=later),
        a_move(reopened.code, 2, *answer, at=afterwards, deadline=first),
        a_move(reopened.code, 3, Step.OBJECT, Status.REOPENED, at=later, deadline=latest),
        a_move(reopened.code, 4, *answer, at=later + timedelta(hours=1), deadline=latest),
        a_move(reopened.code, 5, Step.AMEND, Status.ANSWERED, at=latest + timedelta(hours=1), deadline=latest),
        a_move(late_again.code, 2, *answer, at=halfway, deadline=first),
        a_move(late_again.code, 3, Step.OBJECT, Status.REOPENED, at=halfway, deadline=later),
        a_move(late_again.code, 4, *answer, at=latest, deadline=later),
    ]
    await reporting.receive(events[::-1])
    shift = await reporting.shift("morning")
    assert (shift["answered"], shift["answered_within_deadline"]) == (3, 0.6667)
