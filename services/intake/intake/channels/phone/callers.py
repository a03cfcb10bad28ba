"""Who is calling: the cases that routing knows of a number, and what is seconds old here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.db import Transaction
from common.errors import Problem
from common.events import Status

from intake.routing_client import RoutingClient

FRESH = timedelta(hours=1)  # what routing may not have seen yet, were it away so long
CALLED = timedelta(days=1)
MOST = 50
_FRESH = """
SELECT code, channel, topic, text, received_at, call_id FROM messages
WHERE received_at > $1 AND phone_lookup = $2 ORDER BY received_at DESC LIMIT $3
"""
CALLS = """
SELECT call_id, queue, asked_at, topic, choice, callback_at FROM decisions
WHERE caller_lookup = $2 AND asked_at > $1 ORDER BY asked_at DESC LIMIT $3
"""
_SETTLED = frozenset({Status.ANSWERED, Status.ACCEPTED, Status.CLOSED})


@dataclass(frozen=True, slots=True)
class Own:
    """What intake itself knows of a number."""

    messages: list[dict[str, Any]]
    calls: list[dict[str, Any]]


async def own_rows(lookup: str, now: datetime, tx: Transaction) -> Own:
    """Messages of the last hour, and calls of the last day that a decision was asked for."""
    messages = await tx.fetch(_FRESH, now - FRESH, lookup, MOST)
    calls = await tx.fetch(CALLS, now - CALLED, lookup, MOST)
    return Own([dict(row) for row in messages], [dict(row) for row in calls])


async def cases_of(number: str, routing: RoutingClient) -> list[dict[str, Any]] | None:
    """Routing's cases of a number; None when routing does not answer, for the telephone rings now."""
    try:
        page = await routing.get("/v1/callers", {"phone": number, "limit": MOST})
    except Problem as problem:
        if problem.status < 500:
            raise
        return None
    return list(page["items"])


def sorted_out(cases: list[dict[str, Any]] | None, own: Own) -> Mapping[str, Any]:
    """Open cases, history, and what routing has not seen yet."""
    known = {case["code"] for case in cases or []}
    return {
        "open": [case for case in cases or [] if case["status"] not in _SETTLED],
        "history": [case for case in cases or [] if case["status"] in _SETTLED],
        "fresh": [message for message in own.messages if message["code"] not in known],
        "calls": own.calls,
        "complete": cases is not None,
    }
