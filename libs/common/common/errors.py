"""What goes wrong, and how it is told: problem+json (RFC 9457) for people, one question for the loops.

The question is `is_transient`: does it pass by itself (the database restarts, Kafka is away), so that one backs
off and stays, or will it fail for ever on the same input, so that the input is put aside?
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import asyncpg
import orjson
from aiokafka.errors import KafkaError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

log = logging.getLogger(__name__)
RETRY_AFTER = "1"  # seconds; a restart of PostgreSQL takes less

_TRANSIENT = (
    OSError,  # refused, reset, no such socket; TimeoutError is one
    KafkaError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, starting up
    asyncpg.InvalidAuthorizationSpecificationError,  # a password is being changed
    asyncpg.InvalidCatalogNameError,  # the database is being restored
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until it takes over
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.TransactionRollbackError,  # deadlock, serialisation
    asyncpg.InterfaceError,  # the connection is closed
    asyncpg.InternalClientError,  # it was left in the middle of something, and is replaced
)


class Poison(Exception):
    """This event can never be handled; its text becomes the cause in the dead-letter stream."""


class Stray(Poison):
    """A citizen named what is not there. It is put aside like any poison, but is no sign that something is wrong."""


def cause_of(error: Exception) -> str:
    """Why an event is put aside, in at most 1,000 characters."""
    return (str(error) if isinstance(error, Poison) else f"{type(error).__name__}: {error}")[:1000]


def is_transient(error: BaseException) -> bool:
    """Whether trying the same again later can succeed."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return error.connection_invalidated or (cause is not None and is_transient(cause))
    if isinstance(error, asyncpg.DataError) or (
        isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    ):
        return False  # a value that does not fit its column is an InterfaceError too
    return isinstance(error, _TRANSIENT)


@dataclass(frozen=True)
class FieldError:
    """One field's reason; `pointer` is a JSON pointer into the body, or `?name` for a query parameter."""

    pointer: str
    detail: str


@dataclass
class Problem(Exception):
    """An answer that says what is wrong and what to do next."""

    status: int
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    def response(self) -> Response:
        """The problem+json document."""
        title = HTTPStatus(self.status).phrase
        document: dict[str, object] = {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in self.errors]
        return Response(
            orjson.dumps(document | dict(self.more)),
            self.status,
            {**self.headers},
            media_type="application/problem+json",
        )


def unavailable(detail: str = "The service cannot store right now; send the same request again.") -> Problem:
    """503 with `Retry-After`."""
    return Problem(503, detail, headers={"Retry-After": RETRY_AFTER})


def pointer_of(location: Sequence[int | str]) -> str:
    """A JSON pointer (RFC 6901) of a place in a body."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def invalid(error: ValidationError) -> Problem:
    """422 with each field's pointer and reason."""
    fields = [FieldError(pointer_of(e["loc"]), e["msg"]) for e in error.errors(include_url=False)]
    return Problem(422, "The body does not fit; see `errors` for each field.", fields)


def _place(location: Sequence[int | str]) -> str:
    where, *rest = location
    return pointer_of(rest) if where == "body" else f"?{'.'.join(map(str, rest))}"


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Problem(error.status_code, str(error.detail), headers=dict(error.headers or {})).response()


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [FieldError(_place(e["loc"]), e["msg"]) for e in error.errors()]
    return Problem(422, "The request does not fit; see `errors` for each field.", fields).response()


async def _answer_any(request: Request, error: Exception) -> Response:
    return answer(request, error)


def answer(request: Request, error: Exception) -> Response:
    """What an endpoint's error is answered with: its own problem, 503 for what passes by itself, else 500."""
    if isinstance(error, Problem):
        return error.response()
    if is_transient(error):
        log.warning("not now: %r", error)
        return unavailable().response()
    path = getattr(request.scope.get("route"), "path", None)  # as declared: a path may hold a secret or a number
    log.error("unexpected error", exc_info=error, extra={"path": path})
    return Problem(500, "This is our error, and it is in the logs; nothing of your request was stored.").response()


def install(app: FastAPI) -> None:
    """Answer every error as problem+json."""
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    for kind in (Problem, *_TRANSIENT, DBAPIError):
        app.add_exception_handler(kind, _answer_any)
    app.add_exception_handler(Exception, _answer_any)
