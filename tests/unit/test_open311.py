import asyncio
import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from common.errors import Problem, unavailable
from hypothesis import given
from hypothesis import strategies as st
from intake.open311.asked import MOST, SPAN, Asked, asked_of, routing_query, w3_time
from intake.open311.cache import Cache
from intake.open311.clients import Clients
from intake.open311.own import as_case, fits
from intake.open311.refusals import Refused
from intake.open311.requests import request_of
from intake.open311.services import Catalogue, Datatype, load_attributes
from intake.open311.submission import Posted, read
from intake.open311.wire import Form, accepted_form, written
from intake.topics import Topic
from routing.city import City
from starlette.datastructures import QueryParams

Made = TypeVar("Made")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TOPICS = [Topic(**{name: getattr(topic, name) for name in Topic.__slots__}) for topic in City.load().topics.values()]
CATALOGUE = Catalogue.of(TOPICS, load_attributes())
POTHOLE = [("service_code", "TC-POTHOLE"), ("lat", "35.7"), ("long", "51.4")]
NAMES = ["service_code", "lat", "long", "address_string", "address_id", "description", "phone", "first_name"]
NAMES += ["last_name", "media_url", "attribute[LINE]", "attribute[STATE][]", "attribute[", "account_id", "x"]
VALUES = st.text(max_size=60) | st.sampled_from(["TC-POTHOLE", "TT-BUS", "35.7", "51.4", "inf", "09121234567", "dark"])


def outcome(ask: Callable[[], Made]) -> Made | Refused:
    try:
        return ask()
    except Refused as refused:
        return refused


def asked(query: str) -> Asked:
    return asked_of(QueryParams(query))


@given(st.text(), st.text())
def test_xml_of_any_text_reads_back_without_what_xml_forbids(key: str, text: str) -> None:
    value = [{"service_request_id": key, "service_notice": text, "account_id": None}]
    root = ET.fromstring(written(Form.XML, "service_requests", value))
    allowed = "".join(c for c in text if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff"))
    allowed = allowed.replace("\ufffe", "").replace("\uffff", "")
    assert (root.findtext("request/service_notice") or "") == allowed


def test_what_is_empty_is_an_empty_element_and_a_list_is_elements() -> None:
    value = {"attributes": [{"required": True, "order": 1, "description": None, "values": [{"key": "a<b"}]}]}
    assert written(Form.XML, "service_definition", value).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<service_definition><attributes><attribute><required>true</required>'
        "<order>1</order><description/><values><value><key>a&lt;b</key></value></values></attribute></attributes>"
        "</service_definition>"
    )


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.JSON),
        ("*/*", Form.JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form.XML),
        ("application/json, text/xml", Form.JSON),
        ("text/xml;q=0.5, application/json;q=0.4", Form.XML),
        ("nonsense;;,,", Form.JSON),
    ],
)
def test_accept_puts_one_form_first(accept: str, form: Form) -> None:
    assert accepted_form(accept) is form


def test_what_is_empty_is_as_if_it_were_not_given() -> None:
    assert asked("status=&service_code=&start_date=&page=&page_size=&service_request_id=") == Asked()
    assert Asked().limit == MOST


def test_the_last_ninety_days_are_meant_when_nothing_is_said() -> None:
    assert routing_query(Asked(), NOW) == {"since": (NOW - SPAN).isoformat()}
    start, end = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    assert asked(f"start_date={start}").requested(NOW) == (w3_time(start), w3_time(start) + SPAN)
    assert asked(f"end_date={end}").requested(NOW) == (w3_time(end) - SPAN, w3_time(end))
    updated = asked(f"updated_after={start}")
    assert (updated.requested(NOW), updated.updated(NOW)) == ((None, None), (w3_time(start), w3_time(start) + SPAN))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00+00:00"),
        ("2026-01-31T08:00:00+03:30", "2026-01-31T04:30:00+00:00"),
        ("2026-01-31T08:00:00 03:30", "2026-01-31T04:30:00+00:00"),
        ("2026-01-31 08:00:00", "2026-01-31T04:30:00+00:00"),
        ("2026-01-31", "2026-01-30T20:30:00+00:00"),
    ],
)
def test_a_time_is_read_with_its_offset_or_as_tehrans(text: str, moment: str) -> None:
    assert w3_time(text) == datetime.fromisoformat(moment)


@given(st.dictionaries(st.sampled_from(["start_date", "updated_before", "page", "page_size", "status"]), st.text()))
def test_any_query_is_a_question_or_refused_with_400(query: dict[str, str]) -> None:
    found = outcome(lambda: asked_of(QueryParams(query)))
    if isinstance(found, Refused):
        assert (found.status, all(found.descriptions)) == (400, True)
    else:
        assert 1 <= found.limit <= MOST
        assert routing_query(found, NOW)


def test_pages_end_where_they_would_cost_too_much() -> None:
    assert asked("page=3&page_size=50").offset == 100
    assert asked("page_size=5000").limit == MOST
    with pytest.raises(Refused):
        asked("page=2000&page_size=100")


def test_ids_override_every_other_argument() -> None:
    assert asked("service_request_id=0000000000,x&start_date=never&page=x") == Asked(codes=("0000000000",))


async def test_many_who_ask_at_once_are_one_making() -> None:
    made = 0

    async def make() -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(0)
        return made

    now = 0.0
    cache: Cache[str, int] = Cache(2.0, clock=lambda: now)
    assert await asyncio.gather(*(cache.get("a", make) for _ in range(50))) == [1] * 50
    now = 1.9
    assert await cache.get("a", make) == 1
    now = 2.1
    assert await cache.get("a", make) == 2


async def test_what_was_made_is_given_again_while_no_new_one_can_be_and_not_for_ever() -> None:
    failing: list[Exception] = []

    async def make() -> str:
        if failing:
            raise failing[0]
        return "made"

    now = 0.0
    cache: Cache[str, str] = Cache(2.0, stale=10.0, clock=lambda: now)
    assert await cache.get("a", make) == "made"
    failing.append(unavailable())
    now = 11.0
    assert await cache.get("a", make) == "made"
    failing[0] = Problem(404, "gone")
    with pytest.raises(Problem):
        await cache.get("a", make)
    failing[0], now = unavailable(), 12.5
    with pytest.raises(Problem):
        await cache.get("a", make)


async def test_who_leaves_does_not_end_the_making_for_the_others() -> None:
    go = asyncio.Event()

    async def make() -> str:
        await go.wait()
        return "made"

    cache: Cache[str, str] = Cache(2.0)
    first, second = (asyncio.create_task(cache.get("a", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == "made"


def test_a_key_names_its_client_and_a_wrong_file_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({name: hashlib.sha256(name.encode()).hexdigest() for name in ("one", "two")}))
    clients = Clients.load(file)
    assert clients.caller("two").subject == "open311:two"
    for key in (None, "", "three", "\udcff"):
        with pytest.raises(Refused):
            clients.caller(key)
    with pytest.raises(Refused):
        Clients.load(None).caller("one")
    file.write_text(json.dumps({"one": "not a hash"}))
    with pytest.raises(ValueError, match="one"):
        Clients.load(file)


def test_every_attribute_is_of_a_topic_that_exists_and_has_an_order_of_its_own() -> None:
    attributes = load_attributes()
    assert attributes.keys() <= CATALOGUE.topics.keys()
    for topic, several in attributes.items():
        assert len({one.order for one in several}) == len({one.code for one in several}) == len(several), topic
    assert {one.datatype for several in attributes.values() for one in several} == set(Datatype)


@given(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=12), st.booleans())
def test_any_form_is_a_report_or_refused(fields: list[tuple[str, str]], known: bool) -> None:
    found = outcome(lambda: read(Posted.of(fields), CATALOGUE if known else None))
    if isinstance(found, Refused):
        assert found.status in (400, 404)
        assert all(found.descriptions)
    else:
        assert found.message.text


def test_a_report_without_words_says_the_name_of_its_service() -> None:
    assert read(Posted.of(POTHOLE), CATALOGUE).message.text == "لکه‌گیری و چاله"
    assert read(Posted.of(POTHOLE), None).message.text == "TC-POTHOLE"


def test_attributes_stay_while_the_catalogue_is_not_known() -> None:
    fields = [*POTHOLE, ("description", "چاله"), ("attribute[WIDTH]", "40"), ("attribute[W][]", "1")]
    assert read(Posted.of([*fields, ("attribute[W][]", "2")]), None).message.text == "چاله\nWIDTH: 40\nW: 1، 2"


@pytest.mark.parametrize("url", ["http://example.org/1.jpg", "https:///1.jpg", "javascript:alert(1)", "https://[", "x"])
def test_only_an_https_address_is_a_file(url: str) -> None:
    submission = read(Posted.of([*POTHOLE, ("media_url", url)]), CATALOGUE)
    assert submission.files == ()
    assert submission.notices


def a_row(**given: Any) -> dict[str, Any]:
    place = {"lat": 35.7123456, "lon": 51.4, "region": 5, "address": "پلاک ۱۲"}
    return {"code": "0000000000", "topic": "TC-POTHOLE", "place": place, "received_at": NOW} | given


@pytest.mark.parametrize(
    ("topic", "listed", "lat", "region"),
    [
        ("TC-POTHOLE", True, 35.71235, 5),
        ("UP-ILLEGAL", True, 35.71, 5),
        ("SO-HOMELESS", False, None, None),
        (None, False, None, None),
    ],
)
def test_a_place_is_shown_as_its_topic_allows(topic: str | None, listed: bool, lat: float, region: int) -> None:
    case = as_case(a_row(topic=topic), CATALOGUE.topics)
    assert (case["listed"], case["lat"], case["region"]) == (listed, lat, region)
    assert "پلاک" not in str(request_of(case))


def test_a_report_of_our_own_fits_what_was_asked() -> None:
    case = as_case(a_row(), CATALOGUE.topics)
    minute = timedelta(minutes=1)
    for yes in (Asked(), Asked(open=True), Asked(topics=("TC-POTHOLE",)), Asked(updated_after=NOW), Asked(start=NOW)):
        assert fits(case, yes, NOW)
    for no in (Asked(open=False), Asked(topics=()), Asked(start=NOW + minute), Asked(updated_before=NOW - minute)):
        assert not fits(case, no, NOW)
