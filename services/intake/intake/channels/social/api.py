"""The social channel: bots of the city's own, and citizens' SMS."""

from dataclasses import replace
from typing import Annotated

from common.auth import Caller, Require, Role
from common.edge import DirectRoute
from common.events import Channel
from common.http import json_body, parse
from common.idempotency import digest
from fastapi import APIRouter, Depends, Request, Response

from intake.channels.social.replies import reply_in
from intake.channels.social.schemas import SocialMessage
from intake.contact import Origin
from intake.reception import origin_of, reception_of
from intake.schemas import Accepted

router = APIRouter(tags=["social"], route_class=DirectRoute)
BotCaller = Annotated[Caller, Depends(Require(Role.BOT))]


@router.post(
    "/v1/social/messages", status_code=202, responses={202: {"model": Accepted}}, openapi_extra=json_body(SocialMessage)
)
async def post_message(request: Request, caller: BotCaller) -> Response:
    """Take what a bot heard: a message, or a citizen's 31 or 33. Sent twice, it counts once."""
    message = await parse(request, SocialMessage)
    origin = _of_platform(await origin_of(request, Channel.SOCIAL, caller, account=_account(message)), message)
    if (answer := reply_in(message.text)) is not None:
        return await reception_of(request).reply(message, answer, origin)
    return await reception_of(request).message(message, origin)


def _of_platform(origin: Origin, message: SocialMessage) -> Origin:
    """Without an `Idempotency-Key` the platform's message id is the key, and the body does not matter."""
    if origin.key is not None:
        return replace(origin, platform=message.platform, account=_account(message))
    key = digest(origin.caller.subject, message.platform, message.user_id, message.message_id)
    return replace(origin, platform=message.platform, account=_account(message), key=key)


def _account(message: SocialMessage) -> str | None:
    """Where the citizen is answered; an SMS is answered by its number."""
    return None if message.platform == "sms" else message.user_id
