"""GeoReport's two forms, JSON and XML, of the same value; the names are those of the specification.

wiki.open311.org/GeoReport_v2: JSON is made of the XML by the Spark convention, so a list there is an element here
with an element of its own name inside for each item, and what is empty is null.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from xml.sax.saxutils import escape

import orjson
from fastapi import Request, Response


class Form(StrEnum):
    """How an answer is written."""

    JSON = "json"
    XML = "xml"


MEDIA_TYPES = {Form.JSON: "application/json; charset=utf-8", Form.XML: "text/xml; charset=utf-8"}
ITEMS = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
}
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0, even escaped
_RANGE = re.compile(r"\s*([\w*+.-]+/[\w*+.-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{1,3})?))?")


def form_of(request: Request) -> Form:
    """By the ending of the path; else what `Accept` likes better, JSON when it does not say."""
    ending = request.url.path.rpartition(".")[2]
    if ending in tuple(Form):
        return Form(ending)
    return accepted_form(request.headers.get("accept", ""))


def accepted_form(accept: str) -> Form:
    """XML where an `Accept` header puts it before JSON."""
    wants = {Form.JSON: 0.0, Form.XML: 0.0}
    for part in accept.split(","):
        found = _RANGE.match(part)
        if found is None:
            continue
        form = Form.XML if found[1].endswith(("/xml", "+xml")) else Form.JSON if found[1].endswith("json") else None
        if form is not None:
            wants[form] = max(wants[form], float(found[2] or 1))
    return Form.XML if wants[Form.XML] > wants[Form.JSON] else Form.JSON


def written(form: Form, root: str, value: object) -> bytes:
    """A value in a form; `root` names its element in XML."""
    if form is Form.JSON:
        return orjson.dumps(value)
    return (_DECLARATION + _element(root, value)).encode()


def answer(form: Form, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with what was written."""
    return Response(body, status, {"Content-Type": MEDIA_TYPES[form], **(headers or {})})


def _element(name: str, value: object) -> str:
    if value is None or value == "":
        return f"<{name}/>"
    return f"<{name}>{_inside(name, value)}</{name}>"


def _inside(name: str, value: object) -> str:
    if isinstance(value, str):
        return escape(_FORBIDDEN.sub("", value), {"\r": "&#13;"})
    if isinstance(value, Mapping):
        return "".join(_element(key, item) for key, item in value.items())
    if isinstance(value, Sequence):
        return "".join(_element(ITEMS[name], item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
