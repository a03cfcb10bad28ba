import asyncio
from typing import Any

import pytest
from common.errors import Problem, unavailable
from intake.topics import FRESH_SECONDS, RETRY_SECONDS, Topics

GUTTER: dict[str, Any] = {
    "code": "US-GUTTER",
    "title_fa": "لایروبی جوی و نهر",
    "title_en": "Gutter dredging",
    "deputy": "urban-services",
    "deputy_fa": "خدمات شهری",
    "unit": "urban-services",
    "level": "nahiye",
    "urgent": False,
    "sla_hours": 48,
    "wants_photo": True,
    "added_later": 1,
}


class Routing:
    """Answers with the catalogue, or not at all; `asked` counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.now = 1000.0

    async def get(self, path: str) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise unavailable()
        return {"items": [GUTTER], "next_cursor": None}

    def topics(self) -> Topics:
        return Topics(self.get, clock=lambda: self.now)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_hundred_who_ask_at_once_are_one_question_to_routing() -> None:
    routing = Routing()
    topics = routing.topics()
    found = await asyncio.gather(*(topics.get() for _ in range(100)))
    assert routing.asked == 1
    assert {topic.code for one in found for topic in one} == {"US-GUTTER"}
    assert (found[0][0].wants_photo, found[0][0].wants_place, found[0][0].is_ours) == (True, True, True)


async def test_what_is_known_is_answered_at_once_and_read_anew_beside() -> None:
    routing = Routing()
    topics = routing.topics()
    await topics.get()
    routing.now += FRESH_SECONDS - 1
    await topics.get()
    assert routing.asked == 1
    routing.now += 1
    assert await topics.get()
    await settled()
    assert routing.asked == 2
    await topics.get()
    assert routing.asked == 2


async def test_while_routing_is_away_the_last_catalogue_stands_and_it_is_asked_seldom() -> None:
    routing = Routing()
    topics = routing.topics()
    await topics.get()
    routing.away, routing.now = True, routing.now + FRESH_SECONDS
    for _ in range(10):
        assert len(await topics.get()) == 1
        await settled()
    assert routing.asked == 2
    routing.away, routing.now = False, routing.now + RETRY_SECONDS
    await topics.get()
    await settled()
    assert routing.asked == 3


async def test_without_a_catalogue_the_asker_is_told_to_try_again_and_the_next_one_asks_anew() -> None:
    routing = Routing()
    routing.away = True
    topics = routing.topics()
    with pytest.raises(Problem) as refused:
        await topics.get()
    assert refused.value.status == 503
    routing.away = False
    assert len(await topics.get()) == 1


async def test_closing_ends_a_question_that_is_under_way() -> None:
    gone = asyncio.Event()

    async def never(path: str) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    topics = Topics(never)
    asking = asyncio.create_task(topics.get())
    await settled()
    await topics.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert gone.is_set()
