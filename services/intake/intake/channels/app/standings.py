"""Asking routing where cases stand; a citizen's list is there without it."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import Problem

from intake.routing_client import RoutingClient

Standing = Mapping[str, Any]
# What routing has not seen yet was accepted a moment ago.
UNSEEN: Standing = {"status": "registered", "words": "ثبت شده و در انتظار ارجاع است", "may": []}


async def standings_of(codes: Sequence[str], routing: RoutingClient) -> dict[str, Standing] | None:
    """Where each of up to 200 cases stands, by code; None where routing does not say."""
    if not codes:
        return {}
    try:
        document = await routing.post("/v1/tracking", {"codes": list(codes)})
    except Problem:
        return None
    known = {item["code"]: item for item in document["items"]}
    return {code: known.get(code, UNSEEN) for code in codes}


async def standing_of(code: str, routing: RoutingClient) -> Standing | None:
    """Where one case stands, with its history; None where routing does not say."""
    try:
        found: Standing = await routing.get(f"/v1/tracking/{code}")
    except Problem as problem:
        return UNSEEN if problem.status == 404 else None
    return found
