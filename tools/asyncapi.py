"""docs/asyncapi.yaml from `common/events.py`: AsyncAPI 3.0, CloudEvents in binary mode."""

from typing import Any

import yaml
from common.events import EVENTS, Event, Stream

_FLOW = {
    Stream.MESSAGES: "routing",
    Stream.URGENT: "routing",
    Stream.NOTIFICATIONS: "notify",
    Stream.ACTIVITY: "reporting",
}
_REFERENCE = "#/components/schemas/{model}"
_HEADERS = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "UUIDv7"},
        "ce_source": {"type": "string", "examples": ["/pasokh/intake"]},
        "ce_type": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string"},
    },
}


def document() -> str:
    """The YAML text."""
    schemas: dict[str, Any] = {"Headers": _HEADERS}
    messages = {event.name: _message(event, schemas) for event in EVENTS}
    whole = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Pasokh",
            "version": "1.0.0",
            "description": "Generated from libs/common/common/events.py by `make check` with `--write`; do not edit.",
        },
        "channels": {stream.value: _channel(stream) for stream in Stream},
        "operations": {_operation_name(stream): _operation(stream) for stream in Stream},
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=110)


def _channel(stream: Stream) -> dict[str, Any]:
    own = [event for event in EVENTS if event.stream is stream]
    return {
        "address": stream.value,
        "description": f"Twelve partitions, keyed; dead letters in {stream.dead_letters}.",
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.name}"} for event in own},
    }


def _operation_name(stream: Stream) -> str:
    """Who reads it; routing reads two lanes."""
    return f"{_FLOW[stream]}.consume{'Urgent' if stream is Stream.URGENT else ''}"


def _operation(stream: Stream) -> dict[str, Any]:
    return {"action": "receive", "channel": {"$ref": f"#/channels/{stream.value}"}}


def _message(event: type[Event], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = event.model_json_schema(ref_template=_REFERENCE, mode="serialization")
    schemas.update(schema.pop("$defs", {}))
    for attribute in ("id", "at", "traceparent"):
        schema["properties"].pop(attribute, None)
    schema["required"] = [name for name in schema.get("required", []) if name not in ("id", "at", "traceparent")]
    schemas[event.__name__] = schema
    return {
        "name": event.name,
        "summary": (event.__doc__ or "").strip(),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
    }
