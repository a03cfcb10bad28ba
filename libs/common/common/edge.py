"""The edge of a service: what every request meets first, and the short way of the routes that citizens wait for.

FastAPI's way to an endpoint goes through fourteen layers (exit stacks, exception wrappers, dependency solving), most
of the 180 µs that a bare app takes for a request; uvicorn itself takes 43. A direct route has use for none of
them: its caller is verified, its endpoint called. Documents and every other route are FastAPI's own.
"""

import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from common import errors, telemetry
from common.errors import Problem

BODY_LIMIT = 64 * 1024  # bytes
CLIENT_LEFT = 499  # in the metric alone


class DirectRoute(APIRoute):
    """A route `(request, caller)` that is answered without FastAPI's layers; of a router with this `route_class`.

    Its path is fixed but for one parameter, the last of its parts or the one before, which is in `request.path_params`.
    Who calls is the word of its only dependency, which takes the request: `Require`, or what looks for the secret of a
    platform's webhook.
    """

    def __init__(self, path: str, endpoint: Any, **given: Any) -> None:
        super().__init__(path, endpoint, **given)
        needs = self.dependant
        if len(needs.dependencies) != 1 or _asks_more(needs) or _asks_more(needs.dependencies[0]):
            raise TypeError(f"{path}: a direct route takes a request and its caller alone")
        self._caller: Any = needs.dependencies[0].call
        self.before, _, rest = path.partition("{")
        self.parameter, _, self.after = rest.partition("}")
        if "{" in self.after or self.after.count("/") > 1 or len(self.param_convertors) != bool(self.parameter):
            raise TypeError(f"{path}: a direct route's path is fixed, but for one of its last two parts")

    @property
    def key(self) -> str:
        """What the route is found by: its path, any parameter nameless."""
        return f"{self.before}{{}}{self.after}" if self.parameter else self.path

    def parameters(self, path: str) -> dict[str, str]:
        """The parameter of a path that is this route's."""
        return {self.parameter: path[len(self.before) : len(path) - len(self.after)]} if self.parameter else {}

    async def answer(self, request: Request) -> Response:
        """Verify the caller, and let the endpoint answer."""
        response: Response = await self.endpoint(request, await self._caller(request))
        return response


class Edge(FastAPI):
    """Bodies over the limit are 413, a request has its span and its time, direct routes are found by one look-up.

    `body_limits` are bytes by `/path`, by `/path media/type`, or by `/path/` for all directly below it.
    """

    def __init__(self, *, body_limits: Mapping[str, int], **given: Any) -> None:
        super().__init__(**given)
        self._body_limits = body_limits
        self._direct: dict[tuple[str, str], DirectRoute] = {}

    def add_routes(self, *routes: Any) -> None:
        """Serve routes; flat, for an included router is matched once more on every request."""
        self.router.routes.extend(routes)
        for route in routes:
            if isinstance(route, DirectRoute):
                self._direct |= {(method, route.key): route for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        started = time.perf_counter()
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._bounded(scope, receive, note_status)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            telemetry.REQUEST_SECONDS.record(time.perf_counter() - started, {"route": route, "status": status})

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length")
        small = length is not None and length.isdigit() and int(length) <= BODY_LIMIT
        limit = BODY_LIMIT if small else self._limit(scope["path"], headers.get(b"content-type", b""))
        if length is not None and (not length.isdigit() or int(length) > limit):
            await _too_large(limit).response()(scope, receive, send)
            return
        bounded = receive if length is not None else _counted(receive, limit)
        parent = headers.get(b"traceparent", b"").decode("latin-1") or None
        if not telemetry.Sampling.wants(parent):
            await self._dispatch(scope, bounded, send)
            return
        with telemetry.span(scope["method"], parent, telemetry.SpanKind.SERVER) as span:
            await self._dispatch(scope, bounded, send)
            span.update_name(f"{scope['method']} {getattr(scope.get('route'), 'path', 'none')}")

    def _limit(self, path: str, content_type: bytes) -> int:
        """Of a body larger than usual: by path and media type, by path, or by what a path is below."""
        media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
        for name in (f"{path} {media_type}", path, path[: path.rfind("/") + 1]):
            if name in self._body_limits:
                return self._body_limits[name]
        return BODY_LIMIT

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        keys = (path, *_nameless(path))
        route = next((self._direct[method, key] for key in keys if (method, key) in self._direct), None)
        if route is None:
            await super().__call__(scope, receive, send)
            return
        scope.update(route=route, path_params=route.parameters(path))
        request = Request(scope, receive)
        try:
            response = await route.answer(request)
        except ClientDisconnect:  # in the middle of its body: nothing was stored, and nobody waits for an answer
            response = Response(status_code=CLIENT_LEFT)
        except Exception as error:
            response = errors.answer(request, error)
        await response(scope, receive, send)


def _nameless(path: str) -> tuple[str, ...]:
    """The path with its last part, or the one before, as a parameter; a part that is empty is none."""
    head, _, last = path.rpartition("/")
    before, _, part = head.rpartition("/")
    return (*([f"{head}/{{}}"] if last else []), *([f"{before}/{{}}/{last}"] if part else []))


def _asks_more(needs: Dependant) -> bool:
    return bool(
        needs.path_params or needs.query_params or needs.header_params or needs.cookie_params or needs.body_params
    )


def _too_large(limit: int) -> Problem:
    return Problem(413, f"The body may have at most {limit // 1024} KiB.")


def _counted(receive: Receive, limit: int) -> Receive:
    """A body without a length is counted as it comes."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    return counted
