"""Meta's webhooks: what citizens say to the city on WhatsApp and Instagram."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from common.app import service_of
from common.edge import DirectRoute
from common.errors import Problem, is_transient
from common.http import json_answer, json_body
from fastapi import APIRouter, Depends, Query, Request, Response

from intake.channels.meta.meta import read
from intake.channels.meta.schemas import MetaBody
from intake.channels.meta.signature import challenge, verify
from intake.conversation.conversations import conversations_of
from intake.conversation.heard import Heard
from intake.inspection import keep
from intake.settings import settings_of

log = logging.getLogger(__name__)
router = APIRouter(tags=["social"], route_class=DirectRoute)
handshakes = APIRouter(tags=["social"])
BODY_LIMITS = dict.fromkeys(("/v1/social/whatsapp", "/v1/social/instagram"), 3 * 1024 * 1024)  # bytes, Meta's own
_REFUSED: dict[int | str, dict[str, Any]] = {401: {"description": "Problem"}, 403: {"description": "Problem"}}


async def signed_by_meta(request: Request) -> None:
    """401 or 403 where the body is not signed with a secret of the app."""
    body = await request.body()
    verify(body, request.headers.get("x-hub-signature-256"), settings_of(request).meta_app_secrets)


@handshakes.get("/v1/social/whatsapp", responses=_REFUSED, response_class=Response)
@handshakes.get("/v1/social/instagram", responses=_REFUSED, response_class=Response)
async def get_challenge(
    request: Request,
    mode: Annotated[str, Query(alias="hub.mode", max_length=40)] = "",
    token: Annotated[str, Query(alias="hub.verify_token", max_length=200)] = "",
    asked: Annotated[str, Query(alias="hub.challenge", max_length=200)] = "",
) -> Response:
    """Meta's handshake when the webhook is set: its challenge again."""
    answer = challenge(mode, token, asked, verify_token=settings_of(request).meta_verify_token)
    return Response(answer, media_type="text/plain")


@router.post("/v1/social/whatsapp", openapi_extra=json_body(MetaBody), responses=_REFUSED)
@router.post("/v1/social/instagram", openapi_extra=json_body(MetaBody), responses=_REFUSED)
async def post_batch(request: Request, signed: Annotated[None, Depends(signed_by_meta)]) -> Response:
    """Take a batch. 200 means that it is stored, or that sending it again would not help; 503: send it again."""
    body = await request.body()
    reading = read(body)
    refused = [*reading.refused, *await _hear(request, reading.heard)]
    if refused:
        service, platform = service_of(request), request.url.path.rpartition("/")[2]
        reason = "; ".join(refused)
        await keep(service.database, service.sealer, platform, body, reason, datetime.now(UTC))
    return json_answer({})


async def _hear(request: Request, heard: Sequence[Heard]) -> list[str]:
    """Reasons why some could not be stored: when the batch fails on its data, each is tried alone."""
    conversations = conversations_of(request)
    try:
        await conversations.hear(heard)
    except Exception as error:
        if isinstance(error, Problem) or is_transient(error):
            raise
        if len(heard) > 1:
            return [reason for one in heard for reason in await _hear(request, [one])]
        log.exception("an update could not be stored; it is kept for inspection")
        return [type(error).__name__]
    return []
