"""Bale's webhook: Telegram's dialect without a secret header, so the path's last part is the secret."""

from typing import Annotated

from common.app import service_of
from common.auth import unauthorized
from common.edge import DirectRoute
from common.http import json_answer, json_body
from fastapi import APIRouter, Depends, Request, Response

from intake.channels.telegram.schemas import TelegramUpdate
from intake.channels.telegram.telegram import heard_in, read_update
from intake.channels.webhook import holds, take
from intake.settings import Settings

PLATFORM = "bale"
_SECRET = {"name": "secret", "in": "path", "required": True, "schema": {"type": "string"}}

router = APIRouter(tags=["social"], route_class=DirectRoute)


async def known_path(request: Request) -> None:
    """401 where the path does not end in one of the secrets."""
    settings = service_of(request).settings
    assert isinstance(settings, Settings)
    if not holds(request.path_params["secret"], settings.bale_secrets):
        raise unauthorized("The path does not end in a secret that is known here.")


@router.post(
    "/v1/social/bale/{secret}",
    responses={200: {"description": "Taken; do not send it again"}, 401: {"description": "Problem"}},
    openapi_extra={"parameters": [_SECRET], **json_body(TelegramUpdate)},
)
async def post_update(request: Request, known: Annotated[None, Depends(known_path)]) -> Response:
    """Take an update. 200 means that it is stored, or that sending it again would not help; 503: send it again."""
    await take(request, PLATFORM, lambda body: heard_in(read_update(body), PLATFORM))
    return json_answer({})
