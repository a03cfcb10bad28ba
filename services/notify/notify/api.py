"""What was told to whom, and the provider's receipts."""

import hmac
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from common.app import DatabaseOf, service_of
from common.auth import Caller, Require, Role, unauthorized
from common.errors import FieldError, Problem
from common.http import Page, decode_cursor, encode_cursor, json_answer
from common.persian import mask_phone
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel

from notify.outcomes import record_receipts

router = APIRouter(prefix="/v1", tags=["notifications"])
Reader = Annotated[Caller, Depends(Require(Role.STAFF, Role.OPERATOR, Role.SUPERVISOR))]
MOST_RECEIPTS = 1000


class AttemptOut(BaseModel):
    """One try."""

    attempt: int
    at: AwareDatetime
    provider: str
    outcome: str
    detail: str | None


class NotificationOut(BaseModel):
    """Something that a citizen was told, or is to be."""

    id: UUID
    code: str
    told: str
    means: str
    state: str
    phone: str | None
    text: str
    parts: int
    created_at: AwareDatetime
    sent_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    attempts: list[AttemptOut]


@router.get("/notifications")
async def get_notifications(
    request: Request,
    caller: Reader,
    database: DatabaseOf,
    code: Annotated[str, Query(pattern=r"^\d{10}$")],
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[NotificationOut]:
    """Everything told about a case, in order, with every attempt."""
    after = _position(cursor)
    async with database.transaction() as tx:
        rows = await tx.fetch(_LIST, code, after, limit + 1)
        tries = await tx.fetch(_ATTEMPTS, [row["localid"] for row in rows])
    sealer = service_of(request).sealer
    items = [
        NotificationOut(
            **{name: row[name] for name in NotificationOut.model_fields if name not in ("phone", "attempts")},
            phone=mask_phone(number) if (number := sealer.readable(row["phone"])) else None,
            attempts=[AttemptOut(**dict(one)) for one in tries if one["localid"] == row["localid"]],
        )
        for row in rows[:limit]
    ]
    return Page(items=items, next_cursor=encode_cursor(rows[limit - 1]["localid"]) if len(rows) > limit else None)


def _position(cursor: str | None) -> int:
    position = decode_cursor(cursor, 1)[0] if cursor else 0
    if not isinstance(position, int) or not 0 <= position < 2**62:
        raise Problem(422, "`cursor` is not one that a list gave.")
    return position


_LIST = """
SELECT localid, id, code, told, means, state, phone, text, parts, created_at, sent_at, closed_at
FROM delivery_states WHERE code = $1 AND localid > $2 ORDER BY localid LIMIT $3
"""
_ATTEMPTS = """
SELECT localid, attempt, at, provider, outcome, detail FROM attempts WHERE localid = ANY($1::bigint[])
ORDER BY localid, attempt
"""


@router.post("/receipts/{provider}", responses={404: {"description": "Problem"}, 401: {"description": "Problem"}})
async def post_receipts(
    request: Request, provider: str, database: DatabaseOf, secret: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Receipts as the provider pushes them, form-encoded: `messageid` and `status`, once or several times."""
    if provider != "kavenegar":
        raise Problem(404, "There is no such provider.")
    expected: str = request.app.state.receipt_secret
    if not hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), expected.encode()):
        raise unauthorized("The receipt's secret does not hold.")
    statuses = _statuses(await request.body())
    async with database.transaction() as tx:
        counted = await record_receipts(statuses, tx)
    return json_answer({"counted": counted})


def _statuses(body: bytes) -> dict[int, int]:
    pairs = (
        parse_qsl(body.decode("ascii", "replace"), max_num_fields=2 * MOST_RECEIPTS) if body.count(b"&") < 2000 else []
    )
    ids = [value for name, value in pairs if name == "messageid"]
    numbers = [value for name, value in pairs if name == "status"]
    if not ids or len(ids) != len(numbers) or not all(v.isdecimal() and len(v) < 19 for v in ids + numbers):
        raise Problem(422, "Send `messageid` and `status`, form-encoded.", [FieldError("/messageid", "not a number")])
    return {int(i): int(number) for i, number in zip(ids, numbers, strict=True)}
