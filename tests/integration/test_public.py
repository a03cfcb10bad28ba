from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from common.events import Answer, Channel, Place, SealedAddress
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_message, a_reply, an_address
from tests.integration.test_routing import Routing, a_routing

A_STRANGER = "the reply names a case of another number or account"
HOME = "منزل آقای کاظمی، پلاک ۱۲، تلفن ۰۹۱۲۱۲۳۴۵۶۷"


@pytest.fixture
async def routing(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Routing]:
    async with a_routing(postgres, database_name, keys) as made:
        yield made


async def listed(routing: Routing, **query: Any) -> list[dict[str, Any]]:
    answer = await routing.asked.get("/v1/public/cases", "service", **query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def codes(routing: Routing, **query: Any) -> list[str]:
    return [case["code"] for case in await listed(routing, **query)]


async def test_no_word_of_the_citizen_is_public(routing: Routing) -> None:
    place = Place(lat=35.7123456, lon=51.4123456, address=HOME)
    await routing.receive(a_message(text=HOME, place=place, reply_to=an_address(routing.sealer)))
    answer = await routing.asked.get("/v1/public/cases", "service")
    assert not any(word in answer.text for word in ("کاظمی", "پلاک", "912", "۹۱۲"))
    [case] = answer.json()["items"]
    assert (case["title"], case["lat"], case["lon"]) == ("لایروبی جوی و نهر", 35.71235, 51.41235)
    assert (case["open"], case["words"]) == (True, "ارجاع شده و در نوبت رسیدگی است")


async def test_a_home_is_shown_roughly_and_a_person_in_no_list(routing: Routing) -> None:
    place = Place(lat=35.7123456, lon=51.4123456)
    home = a_message(topic="US-FLOOD-BUILDING", place=place)
    person = a_message(topic="SO-HOMELESS", place=place)
    await routing.receive(home, person)
    [shown] = await listed(routing)
    assert (shown["code"], shown["lat"], shown["lon"]) == (home.code, 35.71, 51.41)
    [followed] = await listed(routing, codes=person.code)
    assert (followed["topic"], followed["lat"], followed["region"]) == ("SO-HOMELESS", None, None)


async def test_pages_hold_the_newest_first_and_each_case_once(routing: Routing) -> None:
    sent = [a_message(received_at=NOW - timedelta(minutes=n)) for n in range(5)]
    await routing.receive(*sent)
    pages = [await codes(routing, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [code for page in pages for code in page] == [message.code for message in sent]


async def test_each_filter_finds_its_own(routing: Routing) -> None:
    done = await routing.answered()
    old = a_message(received_at=NOW - timedelta(days=3))
    hole = a_message(topic="TC-POTHOLE")
    await routing.receive(old, hole)
    assert await codes(routing, open=False) == [done]
    assert set(await codes(routing, open=True)) == {old.code, hole.code}
    assert await codes(routing, topics="TC-POTHOLE,SO-HOMELESS,x\0") == [hole.code]
    assert await codes(routing, until=(NOW - timedelta(days=2)).isoformat()) == [old.code]
    assert old.code not in await codes(routing, since=(NOW - timedelta(days=2)).isoformat())
    assert await codes(routing, codes=f"{old.code},0000000000", open=False) == [old.code]


async def test_what_was_updated_is_found_by_its_last_step(routing: Routing) -> None:
    first, second = await routing.answered("+989121234567"), await routing.answered("+989121234568")
    moments = {case["code"]: case["updated_at"] for case in await listed(routing)}
    assert await codes(routing, updated_since=moments[second]) == [second]
    assert await codes(routing, updated_until=moments[first]) == [first]
    assert await codes(routing, updated_since=moments[first], updated_until=moments[first]) == [first]


async def test_only_a_service_asks_for_it_and_not_for_the_whole_city(routing: Routing) -> None:
    assert (await routing.asked.get("/v1/public/cases", "staff:region-5")).status_code == 403
    for bad in ({"limit": 1001}, {"offset": 100_001}, {"codes": "12"}, {"since": "2026-01-01"}):
        assert (await routing.asked.get("/v1/public/cases", "service", **bad)).status_code == 422


@pytest.mark.parametrize("answer", Answer)
async def test_the_public_id_of_a_report_by_nobody_known_lets_nobody_answer_for_its_citizen(
    routing: Routing, answer: Answer
) -> None:
    code = await routing.answered(platform="open311", reply_to=SealedAddress())
    assert await codes(routing) == [code]
    for by in ({"phone_lookup": "anybody's"}, {"account_lookup": "anybody's"}, {}):
        assert await routing.hear(a_reply(answer, code=code, **by)) == [A_STRANGER]
    assert (await routing.case(code))["status"] == "answered"


async def test_what_an_unknown_caller_said_is_answered_for_by_an_operator_alone(routing: Routing) -> None:
    code = await routing.answered(channel=Channel.PHONE, reply_to=SealedAddress())
    assert await codes(routing) == [code]
    assert await routing.hear(a_reply(code=code, phone_lookup="anybody's")) == [A_STRANGER]
    assert (
        await routing.hear(a_reply(code=code, channel=Channel.PHONE, platform=None, phone_lookup="the caller's")) == []
    )
    assert (await routing.case(code))["status"] == "accepted"


async def test_a_report_that_named_a_number_is_answered_from_that_number(routing: Routing) -> None:
    code = await routing.answered(platform="open311")
    await routing.hear(a_reply(code=code, phone_lookup=routing.sealer.lookup("+989121234567")))
    assert (await routing.case(code))["status"] == "accepted"
