"""HTTP, the same for every service: bodies, lists that page, the OpenAPI document."""

import base64
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from common.auth import Require
from common.errors import Problem, invalid

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")
_REFERENCE = "#/components/schemas/{model}"


async def parse(request: Request, model: type[Model]) -> Model:
    """The body as a model; Problem 415 or 422. From bytes in one pass, which FastAPI's own way does in three."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise Problem(415, "Send the body as application/json.")
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise invalid(error) from error


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that reads its body with `parse`."""
    schema = model.model_json_schema(ref_template=_REFERENCE)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next_cursor` asks for the next one, null at the end."""

    items: list[Item]
    next_cursor: str | None = None


def encode_cursor(*position: object) -> str:
    """An opaque cursor of the last row's sort values."""
    return base64.urlsafe_b64encode(orjson.dumps(position, default=str)).decode().rstrip("=")


def decode_cursor(cursor: str, size: int) -> list[Any]:
    """The sort values in a cursor; Problem 422 when it is not one of ours."""
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except ValueError:
        position = None
    if not isinstance(position, list) or len(position) != size:
        raise Problem(422, "`cursor` is not one that a list gave; leave it out to begin at the start.")
    return position


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document: schemas in one place, the roles of each route as `x-roles`, problem+json for errors."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                _describe(operation, route, schemas)
    schemas["Problem"] = _PROBLEM
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    app.openapi_schema = document
    return document


def _describe(operation: dict[str, Any], route: APIRoute, schemas: dict[str, Any]) -> None:
    if operation.get("x-public"):  # answers, and refuses, in the words of its own specification
        return
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "title" in body.get("schema", {}):
        schema = body["schema"]
        schemas.update(schema.pop("$defs", {}))
        schemas[schema["title"]] = schema
        body["schema"] = {"$ref": _REFERENCE.format(model=schema["title"])}
    needs = [d.call for d in route.dependant.dependencies if isinstance(d.call, Require)]
    statuses = ["422", "503"]
    if needs:
        operation["x-roles"] = sorted(needs[0].roles)
        statuses += ["401", "403"]
    if body:
        statuses += ["413", "415"]
    problem = {"application/problem+json": {"schema": {"$ref": _REFERENCE.format(model="Problem")}}}
    declared = operation.setdefault("responses", {})
    for status in statuses:
        declared[status] = {"description": "Problem", "content": problem}
    for status, answer in declared.items():
        if status >= "400":
            answer["content"] = problem


_PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response without FastAPI's encoder on the way."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
