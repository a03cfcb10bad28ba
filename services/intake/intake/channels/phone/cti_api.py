"""The CTI webhook of exchanges that speak neither AMI nor our JSON."""

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.app import service_of
from common.auth import unauthorized
from common.http import json_answer
from fastapi import APIRouter, Request, Response

from intake.channels.phone.calls import record_calls
from intake.channels.phone.cti import CtiEvent, cti_event, moments_of, queue_of
from intake.settings import settings_of

router = APIRouter(tags=["phone"])
_SCHEMA = CtiEvent.model_json_schema()
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": _SCHEMA} for kind in ("application/json", "application/x-www-form-urlencoded")},
    }
}
# One event of a call at a time: what is sent twice has another time of receipt, and must count once all the same.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7203012))"
_SEEN = "SELECT event, queue FROM calls JOIN call_moments USING (call_id) WHERE call_id = $1"


@router.post("/v1/phone/cti/{secret}", openapi_extra=_BODY, responses={401: {"description": "Problem"}})
async def post_cti(request: Request, secret: str) -> Response:
    """Take an event in Zammad's CTI format; the unguessable path is the exchange's proof."""
    check_secret(request.app.state.cti_secret, secret)
    event = cti_event(await request.body(), request.headers.get("content-type", ""))
    now, service = datetime.now(UTC), service_of(request)
    async with service.database.transaction() as tx:
        await tx.fetchval(_LOCK, event.call_id)
        seen = {row["event"]: row["queue"] for row in await tx.fetch(_SEEN, event.call_id)}
        known = next(iter(seen.values()), None)
        queue = queue_of(event, known=known, queues=settings_of(request).cti_queues)
        fresh = [moment for moment in moments_of(event, now, queue=queue) if moment.event not in seen]
        await record_calls(fresh, tx, now=now, sealer=service.sealer)
    return json_answer({})


def read_secret(path: Path | None) -> bytes | None:
    """The digest of a secret in a file; None without one, which lets nobody in."""
    if path is None:
        return None
    return hashlib.sha256(path.read_text().strip().encode()).digest()


def check_secret(expected: bytes | None, given: str) -> None:
    """Problem 401 unless the secret in the path is ours; compared in constant time."""
    digest = hashlib.sha256(given.encode("utf-8", "replace")).digest()
    if expected is None or not hmac.compare_digest(digest, expected):
        raise unauthorized("This path is not one that we gave out.")
