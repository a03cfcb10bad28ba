"""Rubika's webhook: what citizens say to the city's bot there."""

from typing import Annotated

from common.auth import unauthorized
from common.edge import DirectRoute
from common.http import json_answer, json_body
from fastapi import APIRouter, Depends, Request, Response

from intake.channels.rubika.rubika import PLATFORM, read
from intake.channels.rubika.schemas import RubikaBody
from intake.channels.webhook import holds, take
from intake.settings import settings_of

_SECRET = {"name": "secret", "in": "path", "required": True, "schema": {"type": "string"}}
_TAKEN = "Taken; do not send it again"

router = APIRouter(tags=["social"], route_class=DirectRoute)


async def known_path(request: Request) -> None:
    """401 where the path does not hold one of the secrets; Rubika signs nothing."""
    if not holds(request.path_params["secret"], settings_of(request).rubika_secrets):
        raise unauthorized("The path does not hold a secret that is known here.")


async def post_update(request: Request, known: Annotated[None, Depends(known_path)]) -> Response:
    """Take an update. 200 means that it is stored, or that sending it again would not help; 503: send it again."""
    await take(request, PLATFORM, read)
    return json_answer({"status": "OK"})


# Rubika appends the names of its two kinds of body to the address that it was given, or does not.
for name in ("", "/receiveUpdate", "/receiveInlineMessage"):
    router.add_api_route(
        "/v1/social/rubika/{secret}" + name,
        post_update,
        methods=["POST"],
        responses={200: {"description": _TAKEN}, 401: {"description": "Problem"}},
        openapi_extra={"parameters": [_SECRET], **json_body(RubikaBody)},
    )
