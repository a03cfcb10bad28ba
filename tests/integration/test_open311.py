import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from common.codes import is_code
from common.events import Place
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_message, an_address
from tests.integration.open311 import KEY, POTHOLE, Open311, an_open311

PRIVATE = {
    "description": "جلوی منزل آقای کاظمی، تلفن ۰۹۱۲۱۲۳۴۵۶۷",
    "address_string": "خیابان کاظمی، پلاک ۱۲، زنگ ۳",
    "first_name": "کاظم",
    "last_name": "کاظمی",
    "phone": "09121234567",
    "email": "kazemi@example.org",
    "account_id": "account-77",
    "device_id": "device-88",
}
WORDS = ("کاظم", "پلاک", "912", "۹۱۲", "kazemi", "account-77", "device-88")


@pytest.fixture
async def open311(postgres: Postgres, database_name: str, keys: Keys, tmp_path: Path) -> AsyncIterator[Open311]:
    async with an_open311(postgres, database_name, keys, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
async def counter(postgres: Postgres, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Open311]:
    """One for what leaves nothing behind."""
    async with an_open311(postgres, "open311_counter", keys, tmp_path_factory.mktemp("counter")) as made:
        yield made


def told(answer: Any) -> tuple[int, list[int]]:
    """The status, and the code of each error in the body."""
    return answer.status_code, [error["code"] for error in answer.json()]


async def test_a_report_is_listed_at_once_and_by_routing_when_it_has_it(open311: Open311) -> None:
    code = await open311.reported(description="چاله بزرگ")
    assert is_code(code)
    [own] = (await open311.get("requests.json")).json()
    await open311.hand_over()
    open311.forget()
    [routed] = (await open311.get("requests.json")).json()
    same = ("service_request_id", "service_code", "service_name", "lat", "long", "requested_datetime", "status")
    assert {name: own[name] for name in same} == {name: routed[name] for name in same}
    assert (own["agency_responsible"], own["lat"], own["long"]) == (None, 35.71235, 51.41235)
    assert routed["agency_responsible"].startswith("شهرداری منطقه")
    assert routed["address"].endswith("تهران")
    assert routed["expected_datetime"] > routed["requested_datetime"]


async def test_no_personal_data_is_in_any_answer(open311: Open311) -> None:
    code = await open311.reported(**PRIVATE)
    for _ in range(2):
        for path in ("requests.json", "requests.xml", f"requests/{code}.json", f"tokens/{code}.xml"):
            text = (await open311.get(path)).text
            assert code in text
            assert not any(word in text for word in WORDS), path
        await open311.hand_over()
        open311.forget()


async def test_name_and_number_are_sealed_and_the_attributes_stand_in_the_text(open311: Open311) -> None:
    fields = {"service_code": "GS-PARK", "attribute[BROKEN][]": ["lights", "bench"], "attribute[NONE]": "x"}
    await open311.post(POTHOLE | PRIVATE | fields)
    async with open311.intake.transaction() as tx:
        [row] = await tx.fetch("SELECT * FROM messages")
        [event] = await tx.fetch("SELECT body FROM outbox")
    assert row["text"] == f"{PRIVATE['description']}\nچه چیزی خراب است؟ روشنایی، نیمکت"
    assert (row["channel"], row["platform"], row["taken_by"]) == ("app", "open311", "open311:another-city")
    for name in ("phone", "name"):
        assert row[name].startswith("k1:")
    kept = str(dict(row)) + event["body"]
    assert not any(word in kept for word in ("9121234567", "کاظم کاظمی", "kazemi@", "account-77", "device-88"))


async def test_an_answer_has_the_quirks_that_clients_rely_on(open311: Open311) -> None:
    code = await open311.reported()
    one = (await open311.get(f"requests/{code}.json")).json()
    assert isinstance(one, list)
    assert one[0]["service_notice"] == ""
    assert isinstance(one[0]["lat"], float)
    assert datetime.fromisoformat(one[0]["requested_datetime"]).utcoffset() == timedelta(hours=3, minutes=30)
    answer = await open311.get(f"requests/{code}.xml", nonsense="1", api_key="x")
    root = ET.fromstring(answer.content)
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert (root.tag, [child.tag for child in root]) == ("service_requests", ["request"])
    assert [child.tag for child in root[0]] == list(one[0])
    assert root.findtext("request/service_request_id") == code


async def test_accept_chooses_the_form_where_the_address_does_not(counter: Open311) -> None:
    for accept, kind in (
        ("application/xml", "text/xml; charset=utf-8"),
        ("text/xml;q=0.9, application/json;q=0.1", "text/xml; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ):
        for path in ("requests", "services", "discovery", "services/TC-POTHOLE", "requests/1", "nowhere"):
            assert (await counter.get(path, accept)).headers["content-type"] == kind, path
    assert (await counter.get("services.json", "text/xml")).headers["content-type"].startswith("application/json")


async def test_errors_are_lists_with_the_codes_of_the_specification(counter: Open311) -> None:
    for path in ("requests/0000000000.json", "requests/x.json", "services/NO-SUCH.json", "tokens/1.json", "a.json"):
        assert told(await counter.get(path)) == (404, [404]), path
    for path in ("services.json", "requests.json", "services/TC-POTHOLE.json", "requests/1.json", "tokens/1.json"):
        assert told(await counter.get(path, jurisdiction_id="elsewhere.ir")) == (404, [404]), path
    assert (await counter.get("services.json", jurisdiction_id="tehran.ir")).status_code == 200
    answer = await counter.get("requests/1.xml")
    assert (answer.status_code, ET.fromstring(answer.content).findtext("error/code")) == (404, "404")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"api_key": ""}, (403, [403])),
        ({"api_key": "guessed"}, (403, [403])),
        ({"jurisdiction_id": "elsewhere.ir"}, (404, [404])),
        ({"service_code": ""}, (400, [400])),
        ({"service_code": "NO-SUCH"}, (404, [404])),
        ({"service_code": "XX-OTHER"}, (404, [404])),
        ({"lat": ""}, (400, [400])),
        ({"lat": "", "long": ""}, (400, [400])),
        ({"lat": "nan"}, (400, [400])),
        ({"lat": "91", "long": "east"}, (400, [400, 400])),
        ({"description": "x" * 4001}, (400, [400])),
        ({"attribute[WIDTH]": "wide"}, (400, [400])),
        ({"service_code": "TT-BUS"}, (400, [400])),
        ({"service_code": "TT-BUS", "attribute[LINE]": "7", "attribute[HAPPENED_AT]": "noon"}, (400, [400])),
        ({"service_code": "TT-SIGNAL", "attribute[STATE]": "green"}, (400, [400])),
    ],
)
async def test_what_does_not_fit_is_told_with_its_code(
    counter: Open311, change: dict[str, str], expected: tuple[int, list[int]]
) -> None:
    assert told(await counter.post(POTHOLE | change)) == expected
    assert (await counter.get("requests.json")).json() == []


async def test_a_place_may_be_a_point_words_or_an_id(open311: Open311) -> None:
    nowhere = {"lat": "", "long": ""}
    for place in ({"lat": "۳۵٫۷".replace("٫", "."), "long": "51.4"}, {"address_string": "ونک"}, {"address_id": "17"}):
        assert (await open311.post(POTHOLE | nowhere | place)).status_code == 201, place
    async with open311.intake.transaction() as tx:
        places = [row["place"] for row in await tx.fetch("SELECT place FROM messages ORDER BY received_at")]
    assert places == [{"lat": 35.7, "lon": 51.4}, {"address": "ونک"}, {"address": "شناسه نشانی 17"}]


async def test_a_report_may_come_in_parts_and_its_photo_is_noted(open311: Open311) -> None:
    fields = POTHOLE | {"media_url": "https://photos.example.org/1.jpg"}
    files = {"media": ("1.jpg", b"\xff\xd8\xff", "image/jpeg")}
    answer = await open311.client.post(f"{open311.url}/requests.xml", data=fields, files=files)
    root = ET.fromstring(answer.content)
    assert answer.status_code == 201
    assert "media_url" in (root.findtext("request/service_notice") or "")
    async with open311.intake.transaction() as tx:
        [file] = await tx.fetch("SELECT code, platform, kind, state FROM attachments")
    code = root.findtext("request/service_request_id")
    assert tuple(file) == (code, "open311", "photo", "waiting")


async def test_what_could_not_be_used_is_told_and_the_report_is_taken(open311: Open311) -> None:
    answer = await open311.post(POTHOLE | {"phone": "555", "media_url": "file:///etc/passwd", "lat": "35.0"})
    assert answer.status_code == 201
    notice = answer.json()[0]["service_notice"]
    assert all(name in notice for name in ("phone:", "media_url:", "place:"))


async def test_the_same_idempotency_key_is_one_report(open311: Open311) -> None:
    first = await open311.post(POTHOLE, Idempotency_Key="k")
    again = await open311.post(POTHOLE, Idempotency_Key="k")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert told(await open311.post(POTHOLE | {"lat": "35.6"}, Idempotency_Key="k")) == (400, [400])
    parts: dict[str, Any] = {"files": {"media": ("1.jpg", b"x", "image/jpeg")}, "headers": {"Idempotency-Key": "p"}}
    sent = [await open311.client.post(f"{open311.url}/requests.json", data=POTHOLE, **parts) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()


async def test_under_one_key_the_fields_of_the_address_count_as_well(open311: Open311) -> None:
    given: dict[str, Any] = {"data": {"api_key": KEY}, "headers": {"Idempotency-Key": "q"}}
    reports = [POTHOLE, POTHOLE, POTHOLE | {"lat": "35.6"}]
    sent = [await open311.client.post(f"{open311.url}/requests.json", params=one, **given) for one in reports]
    assert [answer.status_code for answer in sent] == [201, 201, 400]


async def test_each_filter_finds_its_own(open311: Open311) -> None:
    done = await open311.routing.answered()
    old = a_message(received_at=NOW - timedelta(days=80))
    ancient = a_message(received_at=NOW - timedelta(days=100))
    person = a_message(topic="SO-HOMELESS", place=Place(lat=35.7, lon=51.4))
    await open311.routing.receive(old, ancient, person)
    fresh = await open311.reported()

    async def found(**query: str) -> list[str]:
        answer = await open311.get("requests.json", **query)
        assert answer.status_code == 200, answer.text
        return [request["service_request_id"] for request in answer.json()]

    month = {"start_date": f"{NOW - timedelta(days=110):%Y-%m-%dT%H:%M:%SZ}"}
    assert await found() == [fresh, done, old.code]
    assert await found(status="closed") == [done]
    assert await found(status="open") == [fresh, old.code]
    assert await found(status="open,closed") == [fresh, done, old.code]
    assert await found(service_code="TC-POTHOLE,SO-HOMELESS") == [fresh]
    assert await found(service_code="x" * 50) == []
    assert await found(**month) == [old.code, ancient.code]
    assert await found(end_date=f"{NOW - timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}") == [ancient.code]
    assert await found(service_request_id=f"{person.code}, {fresh},nobody", status="closed") == [fresh, person.code]
    assert await found(service_request_id="nobody") == []
    assert await found(updated_after=f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", status="closed") == [done]
    assert await found(page_size="2", page="1") == [fresh, done]
    assert await found(page_size="2", page="2") == [old.code]
    for bad in ("start_date", "updated_after", "page", "page_size", "status"):
        assert told(await open311.get("requests.json", **{bad: "x"})) == (400, [400]), bad
    long = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-05-01T00:00:00+03:30"}
    assert told(await open311.get("requests.json", **long)) == (400, [400])


async def test_a_page_of_another_site_may_read_but_not_report(counter: Open311) -> None:
    assert (await counter.get("services.json")).headers["access-control-allow-origin"] == "*"
    assert (await counter.get("requests/1.json")).headers["access-control-allow-origin"] == "*"
    asked = await counter.client.options(f"{counter.url}/requests.json", headers={"Origin": "https://example.org"})
    assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "GET, OPTIONS")
    assert asked.headers["access-control-allow-headers"] == "*"  # else no page that sends one of its own may read
    assert "access-control-allow-origin" not in (await counter.post({})).headers


async def test_services_are_the_catalogue_and_definitions_their_questions(counter: Open311) -> None:
    services = {service["service_code"]: service for service in (await counter.get("services.json")).json()}
    assert len(services) == 66
    assert services["TT-BUS"] | {"keywords": ""} == {
        "service_code": "TT-BUS",
        "service_name": "اتوبوس و خطوط شرکت واحد",
        "description": "Bus service",
        "metadata": True,
        "type": "realtime",
        "keywords": "",
        "group": "حمل‌ونقل و ترافیک",
    }
    definition = (await counter.get("services/TT-SIGNAL.json")).json()
    assert definition["attributes"][0]["values"][0] == {"key": "dark", "name": "خاموش"}
    root = ET.fromstring((await counter.get("services/TT-SIGNAL.xml")).content)
    assert root.findtext("attributes/attribute/values/value/key") == "dark"
    assert root.findtext("attributes/attribute/required") == "false"
    discovery = (await counter.get("discovery.json")).json()
    assert discovery["endpoints"][0]["url"] == counter.url


async def test_a_report_is_taken_and_found_while_routing_is_away(open311: Open311) -> None:
    open311.app.state.routing._client.base_url = "http://127.0.0.1:9"
    answer = await open311.post(POTHOLE | {"attribute[WIDTH]": "40"})
    assert answer.status_code == 201
    listed = await open311.get("requests.json")
    assert told(listed) == (503, [503])
    assert listed.headers["retry-after"] == "1"


async def test_a_list_is_given_again_while_routing_is_away(open311: Open311) -> None:
    code = await open311.reported()
    assert code in (await open311.get("requests.json")).text
    open311.app.state.routing._client.base_url = "http://127.0.0.1:9"
    open311.app.state.open311.pages.clock = lambda: 1e9
    open311.app.state.open311.pages.stale = 1e10
    assert code in (await open311.get("requests.json")).text


async def test_a_number_that_a_case_is_answered_on_is_not_public(open311: Open311) -> None:
    await open311.routing.receive(a_message(reply_to=an_address(open311.routing.sealer)))
    assert "9121234567" not in (await open311.get("requests.json")).text
    assert KEY not in (await open311.get("discovery.xml")).text
