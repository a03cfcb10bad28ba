"""Telegram's webhook: one route for each bot, known by the secret that was given to `setWebhook`."""

from typing import Annotated, Any

from common.app import service_of
from common.auth import unauthorized
from common.edge import DirectRoute
from common.http import json_answer, json_body
from fastapi import APIRouter, Depends, Request, Response
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase

from intake.channels.telegram.schemas import TelegramUpdate
from intake.channels.telegram.telegram import heard_in, read_update
from intake.channels.webhook import holds, take
from intake.conversation.heard import Heard
from intake.settings import Settings

PLATFORM = "telegram"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
_BOT = {"name": "bot", "in": "path", "required": True, "schema": {"type": "string", "examples": ["pasokh"]}}

router = APIRouter(tags=["social"], route_class=DirectRoute)


class TelegramSecret(SecurityBase):
    """A dependency that gives the bot's name, or 401 where the header does not hold its secret."""

    def __init__(self) -> None:
        self.model = APIKey(**{"in": APIKeyIn.header, "name": HEADER})
        self.scheme_name = "telegram"

    async def __call__(self, request: Request) -> str:
        settings = service_of(request).settings
        assert isinstance(settings, Settings)
        bot: str = request.path_params["bot"]
        if not holds(request.headers.get(HEADER, ""), settings.telegram_bots.get(bot, ())):
            raise unauthorized(f"No such bot is known here, or {HEADER} is not its secret.")
        return bot


@router.post(
    "/v1/social/telegram/{bot}",
    responses={200: {"description": "Taken; do not send it again"}, 401: {"description": "Problem"}},
    openapi_extra={"parameters": [_BOT], **json_body(TelegramUpdate)},
)
async def post_update(request: Request, bot: Annotated[str, Depends(TelegramSecret())]) -> Response:
    """Take an update. 200 means that it is stored, or that sending it again would not help; 503: send it again."""
    answer: dict[str, Any] = {}

    def read(body: bytes) -> tuple[Heard, ...]:
        update = read_update(body)
        if update.callback_query is not None:  # the citizen's button stops waiting, without a call of ours
            answer.update(method="answerCallbackQuery", callback_query_id=update.callback_query.id)
        return tuple(heard_in(update, PLATFORM, bot=bot))

    await take(request, PLATFORM, read)
    return json_answer(answer)
