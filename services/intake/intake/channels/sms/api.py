"""Kavenegar's callback: SMS of citizens to the city's line."""

from typing import Annotated, Any

from common.auth import unauthorized
from common.edge import DirectRoute
from common.http import json_answer
from fastapi import APIRouter, Depends, Request, Response

from intake.channels.sms.beside import Inbox
from intake.channels.sms.schemas import ReceivedSms, SmsForm, read_form
from intake.channels.sms.sms import PLATFORM, heard_of
from intake.channels.webhook import holds, take
from intake.settings import settings_of

_FORM = {"application/x-www-form-urlencoded": {"schema": SmsForm.model_json_schema(by_alias=True)}}
_DOCUMENTED: dict[str, Any] = {
    "parameters": [{"name": "secret", "in": "path", "required": True, "schema": {"type": "string"}}],
    "requestBody": {"required": True, "content": _FORM},
}

router = APIRouter(tags=["social"], route_class=DirectRoute)


async def known_path(request: Request) -> None:
    """401 where the path does not end in one of the secrets; Kavenegar signs nothing."""
    if not holds(request.path_params["secret"], settings_of(request).sms_secrets):
        raise unauthorized("The path does not end in a secret that is known here.")


@router.post(
    "/v1/social/sms/{secret}",
    responses={200: {"description": "Taken; do not send it again"}, 401: {"description": "Problem"}},
    openapi_extra=_DOCUMENTED,
)
async def post_sms(request: Request, known: Annotated[None, Depends(known_path)]) -> Response:
    """Take an SMS. 200 means that it is stored, or that sending it again would not help; 503: send it again."""
    inbox: Inbox = request.app.state.sms
    sms = _readable(await request.body())
    if sms is None or not await inbox.hold(sms):
        await take(request, PLATFORM, lambda body: [heard_of(sms or read_form(body))])
    return json_answer({})


def _readable(body: bytes) -> ReceivedSms | None:
    try:
        return read_form(body)
    except ValueError:
        return None
