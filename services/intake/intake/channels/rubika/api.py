"""Rubika's webhook: what citizens say to the city's bot there."""

from common.http import json_answer, json_body
from fastapi import APIRouter, Request, Response

from intake.channels import secret as path_secret
from intake.channels.rubika.rubika import PLATFORM, read
from intake.channels.rubika.schemas import RubikaBody
from intake.channels.webhook import take
from intake.settings import settings_of

router = APIRouter(prefix="/v1/social/rubika", tags=["messengers"])
_DOCUMENTED = {"openapi_extra": json_body(RubikaBody), "responses": {401: {"description": "Problem"}}}


@router.post("/{secret}", **_DOCUMENTED)
@router.post("/{secret}/receiveUpdate", **_DOCUMENTED)
@router.post("/{secret}/receiveInlineMessage", **_DOCUMENTED)
async def post_rubika(request: Request, secret: str) -> Response:
    """Take an update of Rubika, which appends the two names to the address that it was given, or not."""
    path_secret.check(secret, settings_of(request).rubika_secrets)
    await take(request, PLATFORM, read)
    return json_answer({"status": "OK"})
