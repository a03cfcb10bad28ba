"""Kavenegar's callback: SMS of citizens to the city's line."""

from datetime import UTC, datetime
from typing import Any

from common.app import service_of
from common.http import json_answer
from fastapi import APIRouter, Request, Response

from intake.channels import secret as path_secret
from intake.channels.sms.schemas import ReceivedSms, SmsForm, read_form
from intake.channels.sms.sms import PLATFORM, heard_of, hold
from intake.channels.webhook import take
from intake.conversation.heard import Heard
from intake.settings import settings_of

router = APIRouter(prefix="/v1/social/sms", tags=["messengers"])
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": SmsForm.model_json_schema(by_alias=True)}},
    }
}


@router.post("/{secret}", openapi_extra=_FORM, responses={401: {"description": "Problem"}})
async def post_sms(request: Request, secret: str) -> Response:
    """Take an SMS, form-encoded as Kavenegar posts it: `messageid`, `from`, `to`, `message`."""
    path_secret.check(secret, settings_of(request).sms_secrets)
    sms = _readable(await request.body())
    service = service_of(request)
    if sms is None or not await hold(service.database, service.sealer, sms, datetime.now(UTC)):
        await take(request, PLATFORM, _read)
    return json_answer({})


def _readable(body: bytes) -> ReceivedSms | None:
    try:
        return read_form(body)
    except ValueError:
        return None


def _read(body: bytes) -> list[Heard]:
    return [heard_of(read_form(body))]
