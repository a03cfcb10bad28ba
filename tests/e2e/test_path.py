"""One message through all services, as processes."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from workbench.home import SANDBOX
from workbench.reconcile import settle
from workbench.system import Workbench

from tests.e2e.otlp import Receiver

NUMBER = "09121230000"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as made:
        yield made


def bearer(city: Workbench, role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {city.keys.token(role)}"}


async def test_one_trace_from_the_request_to_the_sms(
    city: Workbench, traces: Receiver, client: httpx.AsyncClient
) -> None:
    trace = secrets.token_hex(16)
    headers = bearer(city, "operator") | {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    body = {"text": "جوی آب گرفته", "topic": "US-GUTTER", "place": {"region": 5}, "phone": NUMBER}
    answer = await client.post(f"{city.url('intake')}/v1/phone/messages", json=body, headers=headers)
    code = answer.json()["code"]
    assert (await settle(city, [code])).good
    wanted = {
        ("intake", "POST /v1/phone/messages"),
        ("intake", "relay"),
        ("routing", "consume messages.v1"),
        ("notify", "send"),
        ("reporting", "consume activity.v1"),
    }
    async with asyncio.timeout(90):
        while not wanted <= {(s.removeprefix("pasokh-"), name) for s, t, name in traces.spans if t == trace}:
            await asyncio.sleep(0.1)


async def test_from_the_call_to_the_acceptance(city: Workbench, client: httpx.AsyncClient) -> None:
    body = {"text": "چاله", "topic": "TC-POTHOLE", "place": {"region": 6}, "phone": NUMBER}
    posted = await client.post(f"{city.url('intake')}/v1/phone/messages", json=body, headers=bearer(city, "operator"))
    code = posted.json()["code"]
    assert (await settle(city, [code])).good
    case = f"{city.url('routing')}/v1/cases/{code}"
    steps: list[tuple[str, dict[str, Any]]] = [
        ("work-orders", {}),
        ("findings", {"finding": "actionable"}),
        ("completions", {"outcome": "چاله پر شد"}),
    ]
    for revision, (step, what) in enumerate(steps, 1):
        headers = bearer(city, "supervisor") | {"If-Match": f'"{revision}"'}
        assert (await client.post(f"{case}/{step}", json=what, headers=headers)).status_code == 200
    await _until_told(city, client, "چاله پر شد")
    reply = {"sender": NUMBER, "text": f"۳۱ {code}"}
    assert (await client.post(f"{city.url(SANDBOX)}/inbox", json=reply)).status_code == 202
    timeline = f"{city.url('reporting')}/v1/cases/{code}/timeline"
    async with asyncio.timeout(90):
        while "accept" not in (found := await _steps(client, timeline, bearer(city, "operator"))):
            await asyncio.sleep(0.1)
    assert found[:2] == ["received", "referred"]
    assert [s for s in found if s in ("order_work", "record_finding", "complete", "accept")] == [
        "order_work",
        "record_finding",
        "complete",
        "accept",
    ]


async def _until_told(city: Workbench, client: httpx.AsyncClient, words: str) -> None:
    mine = {"receptor": "+98" + NUMBER[1:]}
    async with asyncio.timeout(90):
        while not any(
            words in sms["message"] for sms in (await client.get(f"{city.url(SANDBOX)}/ledger", params=mine)).json()
        ):
            await asyncio.sleep(0.1)


async def _steps(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> list[str]:
    answer = await client.get(url, headers=headers)
    return [step["step"] for step in answer.json().get("steps", [])]
