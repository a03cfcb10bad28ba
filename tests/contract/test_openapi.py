"""Every route × every role, from the OpenAPI documents; and schemathesis over all of them: no surprise, no 5xx."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from common.auth import Role
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from workbench.home import SERVICES
from workbench.system import Workbench

DOCUMENTS = Path(__file__).parents[2] / "docs" / "openapi"
GEOREPORT = (
    "discovery",
    "services",
    "services/{service_code}",
    "requests",
    "requests/{service_request_id}",
    "tokens/{token}",
)
# Anybody may ask these, on purpose: they show nothing of who reported. A report needs an api_key.
PUBLIC = {("intake", f"/open311/v2/{name}.{form}") for name in GEOREPORT for form in ("json", "xml")}


def _operations() -> list[tuple[str, str, str, list[str] | None]]:
    """(service, method, path, roles) of all documents; None where no token is asked for."""
    found = []
    for service in SERVICES:
        document = json.loads((DOCUMENTS / f"{service}.json").read_text())
        for path, methods in document["paths"].items():
            found += [(service, method, path, operation.get("x-roles")) for method, operation in methods.items()]
    return found


def _public() -> set[tuple[str, str]]:
    """(service, path) of what says that it asks for no token."""
    found = set()
    for service in SERVICES:
        document = json.loads((DOCUMENTS / f"{service}.json").read_text())
        for path, methods in document["paths"].items():
            found |= {(service, path) for operation in methods.values() if operation.get("x-public")}
    return found


OPERATIONS = _operations()
GUARDED = [one for one in OPERATIONS if (one[0], one[2]) not in PUBLIC]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10) as made:
        yield made


async def _ask(client: httpx.AsyncClient, city: Workbench, operation: tuple[str, str, str], token: str | None) -> int:
    service, method, path = operation
    url = city.url(service) + path.replace("{code}", "0000000000").replace("{provider}", "kavenegar")
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    body: Any = {} if method == "post" else None
    return (await client.request(method, url, json=body, headers=headers)).status_code


def test_every_service_has_its_routes_in_its_document() -> None:
    assert {service for service, *_ in OPERATIONS} == set(SERVICES)
    assert len(OPERATIONS) >= 20


def test_only_what_is_named_here_is_public() -> None:
    assert _public() == PUBLIC


@pytest.mark.parametrize(("service", "path"), sorted(PUBLIC))
async def test_what_is_public_asks_for_no_token_and_a_report_for_its_api_key(
    city: Workbench, client: httpx.AsyncClient, service: str, path: str
) -> None:
    assert await _ask(client, city, (service, "get", path), None) in (200, 404)
    if path.partition(".")[0].endswith("/requests"):
        assert await _ask(client, city, (service, "post", path), None) in (400, 403)


@pytest.mark.parametrize(("service", "method", "path", "roles"), GUARDED)
async def test_each_role_gets_in_or_403_and_without_a_token_401(
    city: Workbench, client: httpx.AsyncClient, service: str, method: str, path: str, roles: list[str] | None
) -> None:
    operation = (service, method, path)
    assert await _ask(client, city, operation, None) == 401
    if roles is None:
        return  # a platform's webhook: its secret is asked for above
    assert await _ask(client, city, operation, "nonsense") == 401
    expired = city.keys.token("admin", hours=-1)
    assert await _ask(client, city, operation, expired) == 401
    for role in Role:
        token = city.keys.token(role, unit="region-5" if role is Role.STAFF else None)
        status = await _ask(client, city, operation, token)
        allowed = not roles or role in roles or role is Role.ADMIN
        assert status != 401
        assert (status == 403) == (not allowed), f"{role} got {status}"
        assert status < 500


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_that_a_document_allows_or_forbids_is_our_error(city: Workbench, service: str) -> None:
    schema = schemathesis.openapi.from_url(f"{city.url(service)}/openapi.json")
    headers = {"Authorization": f"Bearer {city.keys.token('admin')}"}
    seen: list[int] = []

    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        _one(found.ok(), headers, seen)
    assert len(seen) >= 50


def _one(operation: Any, headers: dict[str, str], seen: list[int]) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        answer = case.call(headers=headers)
        seen.append(answer.status_code)
        assert answer.status_code < 500, f"{operation.label}: {case.body!r} {case.query!r} {case.path_parameters!r}"

    ask()
