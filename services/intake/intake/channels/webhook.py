"""What every platform's webhook does between its secret and its answer."""

import hmac
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from common.app import service_of
from common.errors import Problem, is_transient, pointer_of
from fastapi import Request
from pydantic import ValidationError

from intake.conversation.conversations import conversations_of
from intake.conversation.heard import Heard
from intake.inspection import keep

log = logging.getLogger(__name__)


def holds(given: str, secrets: Iterable[str]) -> bool:
    """Whether this is one of the secrets; it takes as long for a near miss as for any other."""
    asked = given.encode("utf-8", "surrogatepass")
    return sum(hmac.compare_digest(asked, secret.encode()) for secret in secrets) > 0  # all are compared


async def take(request: Request, platform: str, read: Callable[[bytes], Sequence[Heard]]) -> None:
    """Hear what `read` makes of the body. What it cannot read (ValueError) is kept for inspection, and so is what
    fails on its own data: the platform would send either for ever. Problem 503 for what passes by itself."""
    body = await request.body()
    try:
        await conversations_of(request).hear(read(body))
    except Exception as error:
        if isinstance(error, Problem) or is_transient(error):
            raise
        if not isinstance(error, ValueError):
            log.exception("an update could not be stored; it is kept for inspection")
        service, now = service_of(request), datetime.now(UTC)
        await keep(service.database, service.sealer, platform, body, _reason(error), now)


def _reason(error: Exception) -> str:
    """Where and why, without what was there."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(f"{pointer_of(one['loc'])}: {one['type']}" for one in found[:5])
    return type(error).__name__
