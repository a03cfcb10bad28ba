"""Who else speaks GeoReport: the specification's schemas, and a client that was written for other cities."""

import asyncio
import itertools
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from georeport import GeoReport
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_message
from tests.contract import open311_schemas as schemas
from tests.integration.open311 import KEY, POTHOLE, Open311, an_open311

FIELDS = [*POTHOLE, "address_string", "address_id", "description", "phone", "first_name", "media_url", "account_id"]
FIELDS += [
    "attribute[WIDTH]",
    "attribute[LINE]",
    "attribute[STATE][]",
    "jurisdiction_id",
    "start_date",
    "page",
    "status",
]
VALUES = st.text(max_size=80) | st.sampled_from(
    ["TC-POTHOLE", "TT-BUS", "35.7", "51.4", "-0", "1e999", "2026-01-01", KEY]
)
FORMS = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=20), VALUES, max_size=12)
PATHS = st.sampled_from(
    ["requests.json", "requests.xml", "requests", "services/x.xml", "tokens/x", "x/../y.json", "%00.xml"]
)
KINDS = st.sampled_from(
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", ""]
)


@pytest.fixture(scope="module")
async def open311(postgres: Postgres, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Open311]:
    """Requests of every sort: with a point and without, open and closed, of a topic and of none, routed and not."""
    async with an_open311(postgres, "open311_clients", keys, tmp_path_factory.mktemp("open311")) as made:
        await made.routing.answered()
        await made.routing.receive(a_message(place=None), a_message(text="سلام", topic=None, place=None))
        await made.reported(media_url="https://photos.example.org/1.jpg")
        yield made


def check(document: Any, schema: schemas.Schema) -> None:
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("services.json", schemas.SERVICES),
        ("services/TT-SIGNAL.json", schemas.DEFINITION),
        ("services/US-SALT.json", schemas.DEFINITION),
        ("requests.json", schemas.REQUESTS),
        ("requests.json?status=closed", schemas.REQUESTS),
        ("requests/0000000000.json", schemas.ERRORS),
        ("requests.json?page=x&start_date=y", schemas.ERRORS),
    ],
)
async def test_an_answer_fits_the_published_schema(open311: Open311, path: str, schema: schemas.Schema) -> None:
    answer = await open311.client.get(f"{open311.url}/{path}")
    assert answer.json()
    check(answer.json(), schema)


async def test_the_answer_to_a_report_fits_and_so_do_its_errors(open311: Open311) -> None:
    check((await open311.post(POTHOLE)).json(), schemas.MADE)
    check((await open311.post({})).json(), schemas.ERRORS)


async def test_xml_has_the_elements_of_the_specification_in_their_order(open311: Open311) -> None:
    root = ET.fromstring((await open311.get("requests.xml")).content)
    assert root.tag == "service_requests"
    assert len(root) >= 3
    for request in root:
        assert (request.tag, [element.tag for element in request]) == ("request", schemas.ELEMENTS)
    services = ET.fromstring((await open311.get("services.xml")).content)
    assert {service.tag for service in services} == {"service"}
    assert [element.tag for element in services[0]] == list(schemas.SERVICE["properties"])
    errors = ET.fromstring((await open311.get("requests/1.xml")).content)
    assert [[element.tag for element in error] for error in errors] == [["code", "description"]]


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_georeport_reads_services_and_requests(open311: Open311, form: str) -> None:
    client = GeoReport(open311.url, jurisdiction="tehran.ir", output_format=form)
    services = await asyncio.to_thread(client.get_service_list)
    assert "TT-BUS" in {service["service_code"] for service in services}
    definition = await asyncio.to_thread(client.get_service_definition, "TT-BUS")
    assert definition["service_code"] == "TT-BUS"
    requests = await asyncio.to_thread(client.get_service_requests, status="open", service_code="US-GUTTER,TC-POTHOLE")
    assert {request["status"] for request in requests} == {"open"}
    first = await asyncio.to_thread(client.get_service_request, requests[0]["service_request_id"])
    assert first == requests[0]


async def test_no_form_body_or_query_is_our_error(open311: Open311) -> None:
    with httpx.Client() as client:
        seen: list[int] = []
        many = settings(max_examples=150, deadline=None, derandomize=True, database=None)

        @many
        @given(FORMS, PATHS, st.booleans())
        def post(fields: dict[str, str], path: str, whole: bool) -> None:
            form = POTHOLE | fields if whole else fields
            seen.append(client.post(f"{open311.url}/{path}", data=form).status_code)

        @many
        @given(st.binary(max_size=300), KINDS)
        def post_bytes(body: bytes, kind: str) -> None:
            whole = client.post(f"{open311.url}/requests.xml", content=body, headers={"Content-Type": kind})
            ET.fromstring(whole.content)
            seen.append(whole.status_code)

        @many
        @given(FORMS, PATHS)
        def get(query: dict[str, str], path: str) -> None:
            seen.append(client.get(f"{open311.url}/{path}", params=query).status_code)

        for ask in (post, post_bytes, get):
            await asyncio.to_thread(ask)
    statuses = {status for status, _ in itertools.groupby(sorted(seen))}
    assert statuses <= {200, 201, 400, 403, 404}
    assert statuses >= {201, 400, 403, 404}
