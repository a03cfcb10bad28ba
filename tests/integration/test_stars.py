"""Stars that citizens give in the app, by unit and topic."""

from typing import Any

from common.events import Status, Step

from tests.builders import a_move, an_opening
from tests.integration.test_reporting import MORNING, Reporting
from tests.integration.test_reporting import reporting as reporting


async def figures(reporting: Reporting, by: str) -> dict[str, tuple[int, float | None]]:
    """How many were rated, and with how many stars on average, by key."""
    answer = await reporting.asked.get(f"/v1/reports/{by}", "supervisor", **{"from": "1405-09-03"})
    items: list[dict[str, Any]] = answer.json()["items"]
    return {item["key"]: (item["rated"], item["mean_stars"]) for item in items}


async def test_the_last_stars_of_each_case_are_averaged_by_unit_and_topic(reporting: Reporting) -> None:
    times = {"occurred_at": MORNING, "received_at": MORNING, "at": MORNING}
    first, second, other = (an_opening(**times, topic=topic) for topic in ("US-GUTTER", "US-GUTTER", "TC-POTHOLE"))
    events = [
        first,
        second,
        other,
        a_move(first.code, 5, Step.OBJECT, Status.REOPENED, stars=1),
        a_move(first.code, 8, Step.ACCEPT, Status.ACCEPTED, stars=4),
        a_move(first.code, 9, Step.ACCEPT, Status.ACCEPTED),
        a_move(second.code, 5, Step.ACCEPT, Status.ACCEPTED, stars=5),
    ]
    await reporting.receive(events[::-1])
    await reporting.receive(events)
    assert await figures(reporting, "topics") == {"US-GUTTER": (2, 4.5), "TC-POTHOLE": (0, None)}
    assert await figures(reporting, "units") == {"region-5": (2, 4.5)}
    assert (await reporting.shift("morning"))["rated"] == 2
