"""Reading a message back, as it was received."""

from typing import Annotated, Any

from common.app import DatabaseOf, service_of
from common.auth import Caller, Require, Role
from common.codes import is_code
from common.errors import Problem
from common.persian import mask_phone
from common.sealed import Sealer
from fastapi import APIRouter, Depends, Path, Request

from intake.schemas import MessageOut

router = APIRouter(tags=["messages"])
Reader = Annotated[Caller, Depends(Require(Role.APP, Role.BOT, Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE))]
Code = Annotated[str, Path(pattern=r"^\d{10}$", examples=["1234567897"])]


@router.get("/v1/messages/{code}", responses={404: {"description": "Problem"}})
async def get_message(request: Request, code: Code, caller: Reader, database: DatabaseOf) -> MessageOut:
    """A message as it was received; apps and bots see what they sent, a citizen their own."""
    row = None
    if is_code(code):
        async with database.transaction() as tx:
            row = await tx.fetchrow("SELECT * FROM messages WHERE code = $1", code)
    if row is None or not may_see(caller, row):
        raise Problem(404, "No message has this code; check its ten digits.")
    return _message_out(row, caller, service_of(request).sealer)


def may_see(caller: Caller, row: Any) -> bool:
    """Whether a message is the caller's to see: all, a citizen's own, or what an app or bot sent itself."""
    if caller.has(Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE):
        return True
    if caller.citizen is not None:
        return bool(row["citizen"] == caller.citizen)
    return bool(row["taken_by"] == caller.subject)


def _message_out(row: Any, caller: Caller, sealer: Sealer) -> MessageOut:
    phone = sealer.readable(row["phone"])
    if phone and not caller.has(Role.OPERATOR, Role.SUPERVISOR):
        phone = mask_phone(phone)
    return MessageOut.model_validate(dict(row) | {"phone": phone, "amended": row["amended"] or []})
