"""Who else speaks GeoReport: the specification's schemas, and a client that was written for other cities."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from georeport import GeoReport
from jsonschema import Draft202012Validator, FormatChecker
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_message
from tests.contract import open311_schemas as schemas
from tests.integration.open311 import POTHOLE, Open311, an_open311


@pytest.fixture(scope="module")
async def open311(
    postgres: Postgres, keys: Keys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Open311]:
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
