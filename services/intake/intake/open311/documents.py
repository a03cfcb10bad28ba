"""How GeoReport's routes stand in the OpenAPI document: public on purpose, errors as lists."""

from collections.abc import Mapping
from typing import Any

PUBLIC: dict[str, Any] = {"security": [], "x-public": True}
_ERRORS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": {"type": "string"}},
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "Errors: what is wrong", "content": {"application/json": {"schema": _ERRORS}}}
}
_FIELDS = {
    "api_key": "one that the city gave",
    "jurisdiction_id": "may be left out",
    "service_code": "of the list of services",
    "lat": "degrees, WGS 84; with `long`",
    "long": "degrees, WGS 84",
    "address_string": "the place in words",
    "address_id": "kept as words: there is no register of addresses here",
    "description": "at most 4,000 characters; without it the service's name stands",
    "attribute[CODE]": "an answer to an attribute of the service; `attribute[CODE][]` for several",
    "first_name": "kept sealed",
    "last_name": "kept sealed",
    "phone": "kept sealed; a mobile number is told by SMS how it goes on",
    "email": "not kept",
    "device_id": "not kept",
    "account_id": "given back, not kept",
    "media_url": "https address of a photo",
}
FORM: dict[str, Any] = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["api_key", "service_code"],
                "properties": {name: {"type": "string", "description": why} for name, why in _FIELDS.items()},
            }
        }
    },
}


def parameters(described: Mapping[str, str]) -> list[dict[str, Any]]:
    """Query parameters, all of which may be left out."""
    return [
        {"name": name, "in": "query", "required": False, "description": why, "schema": {"type": "string"}}
        for name, why in described.items()
    ]
