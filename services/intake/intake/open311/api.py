"""Open311 GeoReport v2: what anybody may read of the city's requests, and what other apps may report.

Every resource has an address with `.json`, one with `.xml`, and one whose form `Accept` chooses.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import parse_qsl

from common.auth import Caller
from common.codes import parse_code
from common.events import Channel
from common.idempotency import digest
from fastapi import APIRouter, Depends, Request, Response

from intake.contact import Origin
from intake.open311.asked import PARAMETERS, Asked, asked_of
from intake.open311.desk import Desk, desk_of
from intake.open311.documents import FORM, PUBLIC, RESPONSES, parameters
from intake.open311.refusals import CORS, Open311Route, Refused, not_found
from intake.open311.submission import NO_FILES, Fields, Posted, Submission, read
from intake.open311.wire import answer, form_of, written
from intake.receipt import Receipt
from intake.reception import admit, origin_of, reception_of

ROOT = "/open311/v2"
PLATFORM = "open311"
PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
router = APIRouter(prefix=ROOT, tags=["open311"], route_class=Open311Route)
DeskOf = Annotated[Desk, Depends(desk_of)]
Endpoint = Callable[..., Any]


def served(path: str, method: str = "GET", **extra: Any) -> Callable[[Endpoint], Endpoint]:
    """Serve an endpoint in both forms."""

    def serve(endpoint: Endpoint) -> Endpoint:
        for ending in (".json", ".xml", ""):
            router.add_api_route(
                path + ending,
                endpoint,
                methods=[method],
                responses=RESPONSES,
                openapi_extra=PUBLIC | extra,
                include_in_schema=bool(ending),
            )
        return endpoint

    return serve


@served("/discovery")
async def get_discovery(request: Request, desk: DeskOf) -> Response:
    """Where GeoReport is served, in which forms, and where an api_key is had."""
    return _told(request, "discovery", desk.discovery(str(request.base_url).rstrip("/") + ROOT))


@served("/services")
async def get_services(request: Request, desk: DeskOf) -> Response:
    """What can be reported: the topics of the catalogue. The id of a request is given at once (`realtime`)."""
    desk.check_jurisdiction(request.query_params.get("jurisdiction_id"))
    form = form_of(request)
    return answer(form, (await desk.services(form)).body, headers=_kept(desk))


@served("/services/{service_code}")
async def get_service(request: Request, service_code: str, desk: DeskOf) -> Response:
    """What may be asked of a citizen who reports this."""
    desk.check_jurisdiction(request.query_params.get("jurisdiction_id"))
    definition = (await desk.catalogue()).definition(service_code)
    if definition is None:
        raise not_found("service_code")
    return _told(request, "service_definition", definition)


@served("/requests", parameters=parameters(PARAMETERS))
async def get_requests(request: Request, desk: DeskOf) -> Response:
    """Requests, newest first: of the last 90 days, at most 1,000, unless more is said. Nobody's name or words."""
    desk.check_jurisdiction(request.query_params.get("jurisdiction_id"))
    form = form_of(request)
    page = await desk.page(asked_of(request.query_params), form)
    return answer(form, page.body, headers=_kept(desk))


@served("/requests/{service_request_id}")
async def get_request(request: Request, service_request_id: str, desk: DeskOf) -> Response:
    """One request, in a list."""
    desk.check_jurisdiction(request.query_params.get("jurisdiction_id"))
    form = form_of(request)
    found = await desk.page(Asked(codes=(_code(service_request_id, "service_request_id"),)), form)
    if not found.count:
        raise not_found("service_request_id")
    return answer(form, found.body, headers=_kept(desk))


@served("/tokens/{token}")
async def get_token(request: Request, token: str, desk: DeskOf) -> Response:
    """The id of a request from its token: ids are given at once, so that a token is the id itself."""
    desk.check_jurisdiction(request.query_params.get("jurisdiction_id"))
    code = _code(token, "token")
    if not (await desk.page(Asked(codes=(code,)), form_of(request))).count:
        raise not_found("token")
    return _told(request, "service_requests", [{"service_request_id": code, "token": token}])


@served("/requests", "POST", requestBody=FORM)
async def post_request(request: Request, desk: DeskOf) -> Response:
    """Report something; the answer is a list of one with its id. `Idempotency-Key` makes it count once."""
    form, files = await _fields(request)
    fields = [*request.query_params.multi_items(), *form]
    posted = Posted.of(fields)
    caller = desk.clients.caller(posted.get("api_key"))
    admit(request, caller, posted.get("device_id"))
    desk.check_jurisdiction(posted.get("jurisdiction_id"))
    submission = read(posted, await desk.catalogue_soon())
    receipt = await reception_of(request).receipt(
        submission.message, await _origin(request, caller, fields), submission.files
    )
    return _created(request, receipt, submission, [NO_FILES] if files else [])


@router.options("/{rest:path}", include_in_schema=False)
async def preflight(rest: str) -> Response:
    """Pages of other sites may read."""
    return Response(status_code=204, headers=PREFLIGHT)


@router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def nowhere(rest: str) -> Response:
    """What GeoReport does not have is told its way too."""
    raise not_found("This resource, or what you would do with it,")


def _told(request: Request, root: str, value: object) -> Response:
    form = form_of(request)
    return answer(form, written(form, root, value))


def _kept(desk: Desk) -> dict[str, str]:
    return {"Cache-Control": f"public, max-age={int(desk.settings.open311_seconds)}", "Vary": "Accept"}


def _code(text: str, name: str) -> str:
    code = parse_code(text)
    if code is None:
        raise not_found(name)
    return code


async def _fields(request: Request) -> tuple[Fields, int]:
    """The form's names and values, and how many files came with it."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "application/x-www-form-urlencoded":
        text = (await request.body()).decode("utf-8", "replace")
        return parse_qsl(text, keep_blank_values=True, errors="replace"), 0
    if media != "multipart/form-data":
        raise Refused(400, ["Send the fields as application/x-www-form-urlencoded or multipart/form-data."])
    await request.body()  # kept, for the key is bound to it
    async with request.form() as form:
        items = form.multi_items()
        texts = [(name, value) for name, value in items if isinstance(value, str)]
        return texts, len(items) - len(texts)


async def _origin(request: Request, caller: Caller, fields: Fields) -> Origin:
    """Under the key count the fields, not the bytes: the parts of a form are divided anew at each try."""
    origin = replace(await origin_of(request, Channel.APP, caller), platform=PLATFORM)
    return replace(origin, body=digest(*itertools.chain(*fields))) if origin.key else origin


def _created(request: Request, receipt: Receipt, submission: Submission, more: list[str]) -> Response:
    form = form_of(request)
    notice = "; ".join([*receipt.warnings, *submission.notices, *more])
    made = {"service_request_id": receipt.code, "service_notice": notice, "account_id": submission.account}
    headers = {"Location": f"{ROOT}/requests/{receipt.code}.{form}"}
    headers |= {"Idempotency-Replayed": "true"} if receipt.replayed else {}
    return answer(form, written(form, "service_requests", [made]), 201, headers)
