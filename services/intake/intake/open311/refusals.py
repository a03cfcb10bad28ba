"""What goes wrong, as GeoReport tells it: a list of `{code, description}`, in the form that was asked for.

404 is for what does not exist, 403 for the api_key, 400 for whatever else the asker did. What passes by itself is 503
with `Retry-After`, though the specification would say 400 there too: a client that repeats after 503 loses no report.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from common import errors
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from intake.open311.wire import answer, form_of, written

CORS = {"Access-Control-Allow-Origin": "*"}
_KEPT = {403, 404, 413, 429, 500, 503}
_HEADERS = ("retry-after",)


@dataclass
class Refused(Exception):
    """An answer that says what is wrong with each thing that is."""

    status: int
    descriptions: Sequence[str]


def not_found(what: str) -> Refused:
    """404."""
    return Refused(404, [f"{what} was not found."])


class Open311Route(APIRoute):
    """A route whose errors are GeoReport's, and which pages of other sites may read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, with its errors told our way."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                response = await handle(request)
            except Exception as error:
                response = refusal(request, error)
            if request.method == "GET":
                response.headers.update(CORS)
            return response

        return handled


def refusal(request: Request, error: Exception) -> Response:
    """The response to an error."""
    refused, headers = _refused(request, error)
    told = [{"code": refused.status, "description": description} for description in refused.descriptions]
    form = form_of(request)
    return answer(form, written(form, "errors", told), refused.status, headers)


def _refused(request: Request, error: Exception) -> tuple[Refused, dict[str, str]]:
    if isinstance(error, Refused):
        return error, {}
    if isinstance(error, HTTPException):
        return Refused(_status(error.status_code), [str(error.detail)]), {}
    if isinstance(error, RequestValidationError):
        return Refused(400, ["The request does not fit."]), {}
    problem = errors.answer(request, error)  # which also logs what is our error
    document = orjson.loads(problem.body)
    fields = [f"{field['pointer'].lstrip('/?')}: {field['detail']}" for field in document.get("errors", ())]
    headers = {name: problem.headers[name] for name in _HEADERS if name in problem.headers}
    return Refused(_status(problem.status_code), fields or [document["detail"]]), headers


def _status(status: int) -> int:
    if status == 401:
        return 403
    return status if status in _KEPT or status >= 500 else 400
