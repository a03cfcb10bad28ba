"""The app channel: the Tehran Man app posts with its citizen's token."""

from typing import Annotated

from common.app import service_of
from common.auth import Caller, Require, Role
from common.edge import DirectRoute
from common.events import Channel
from common.http import json_body, parse
from fastapi import APIRouter, Depends, Request, Response

from intake.attachments.uploads import for_a_message
from intake.channels.app.near import chosen
from intake.channels.app.photos import is_multipart, take, with_photos
from intake.channels.app.schemas import AppMessage
from intake.limits import DEVICE
from intake.reception import origin_of, reception_of
from intake.schemas import Accepted

router = APIRouter(tags=["app"], route_class=DirectRoute)
AppCaller = Annotated[Caller, Depends(Require(Role.APP))]


@router.post(
    "/v1/app/messages",
    status_code=202,
    responses={202: {"model": Accepted}, 429: {"description": "Problem"}},
    openapi_extra=with_photos(json_body(AppMessage)) | {"parameters": [DEVICE]},
)
async def post_message(request: Request, caller: AppCaller) -> Response:
    """Take a message from the Tehran Man app; 202 means that it is stored and has its code."""
    reception = reception_of(request)
    if is_multipart(request):
        taken = await take(request, caller)
        async with for_a_message(taken.photos, service_of(request).database):
            return await reception.message_with(taken.message, taken.origin, uploads=taken.uploads)
    origin = await origin_of(request, Channel.APP, caller, account=caller.citizen)
    message = await parse(request, AppMessage)
    origin = chosen(origin, message, service_of(request).sealer)
    if message.attachments:
        return await reception.message_with(message, origin, uploads=message.attachments)
    return await reception.message(message, origin)
