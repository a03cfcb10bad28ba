"""What the specification's own JSON schemas ask of an answer, written as facts.

Source: github.com/open311/schema-validation, schema/georeport-v2/{service,service-definition,request}.json at 1116d93,
and services.json and requests.json, which are arrays of them. Of `errors` and of the answer to a POST there is no
published schema: theirs follow the tables of wiki.open311.org/GeoReport_v2.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
_TEXT: Schema = {"type": "string"}
_MAYBE: Schema = {"anyOf": [_TEXT, {"type": "null"}]}
_BOOLEAN: Schema = {"type": "boolean"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_DEGREES: Schema = {"anyOf": [{"type": "number"}, {"type": "null"}]}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def _record(required: str, properties: Mapping[str, Schema]) -> Schema:
    return {"required": required.split(), "properties": properties}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


SERVICE = _record(
    "service_code service_name metadata type",
    {
        "service_code": _TEXT,
        "service_name": _TEXT,
        "description": _MAYBE,
        "metadata": _BOOLEAN,
        "type": _one_of("realtime", "batch", "blackbox"),
        "keywords": _MAYBE,
        "group": _MAYBE,
    },
)
_ATTRIBUTE = _record(
    "variable code datatype required",
    {
        "variable": _BOOLEAN,
        "code": _TEXT,
        "datatype": _one_of("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"),
        "required": _BOOLEAN,
        "datatype_description": _MAYBE,
        "order": _maybe({"type": "integer"}),
        "description": _MAYBE,
        "values": _list(_record("key name", {"key": _TEXT, "name": _TEXT})),
    },
)
DEFINITION = _record("service_code attributes", {"service_code": _TEXT, "attributes": _list(_ATTRIBUTE)})
REQUEST = _record(
    "service_request_id status service_code requested_datetime",
    {
        "service_request_id": _TEXT,
        "status": _one_of("open", "closed"),
        "status_notes": _MAYBE,
        "service_name": _MAYBE,
        "service_code": _TEXT,
        "description": _maybe({"type": "string", "maxLength": 4000}),
        "agency_responsible": _MAYBE,
        "service_notice": _MAYBE,
        "requested_datetime": _TIME,
        "updated_datetime": _maybe(_TIME),
        "expected_datetime": _maybe(_TIME),
        "address": _MAYBE,
        "address_id": _MAYBE,
        "zipcode": _MAYBE,
        "lat": _DEGREES,
        "long": _DEGREES,
        "media_url": _maybe({"type": "string", "format": "uri"}),
    },
)
SERVICES, REQUESTS = _list(SERVICE), _list(REQUEST)
MADE = _list(
    _record(
        "service_request_id service_notice account_id",
        {"service_request_id": _TEXT, "service_notice": _TEXT, "account_id": _MAYBE},
    )
)
ERRORS = _list(_record("code description", {"code": {"type": "integer"}, "description": _TEXT}))
# The elements of a request in XML, in the order of the specification's table.
ELEMENTS = list(REQUEST["properties"])
