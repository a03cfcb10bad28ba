"""Events as Kafka records and back: CloudEvents 1.0 in binary mode, `traceparent` beside the attributes."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from pydantic import ValidationError

from common.errors import Poison
from common.events import BY_NAME, Event
from common.outbox import Outgoing

Headers = Sequence[tuple[str, bytes]]


class Record(Protocol):
    """What we use of aiokafka's ConsumerRecord, which has no types."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def headers_of(event: Outgoing, source: bytes) -> Headers:
    """The attributes of a stored event as record headers; `source` is `/pasokh/<service>`."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.id).encode()),
        ("ce_source", source),
        ("ce_type", event.name.encode()),
        ("ce_time", event.at.isoformat().encode()),
        ("content-type", b"application/json"),
    ]
    if event.traceparent:
        headers.append(("traceparent", event.traceparent.encode()))
    return headers


def decode(stream: str, headers: Headers, value: bytes | None) -> Event:
    """The event in a record of a stream; Poison, with the cause, when there is none."""
    attributes = dict(headers)
    name = _attribute(attributes, "ce_type")
    kind = BY_NAME.get(name)
    if kind is None:
        raise Poison(f"no such event: {name!r}; upgrade this service, then replay")
    if kind.stream != stream:
        raise Poison(f"{name} does not belong into {stream}")
    event_id = _uuid7(_attribute(attributes, "ce_id"))
    return _parse(kind, event_id, attributes, value)


def _parse(kind: type[Event], event_id: UUID, attributes: Mapping[str, bytes], value: bytes | None) -> Event:
    body = (value or b"").strip()
    if body[:1] != b"{":
        raise Poison("the value is not a JSON object")
    # The attributes go in front of the body's own fields, so that one parse makes the whole event.
    head = f'{{"id":"{event_id}","at":"{_attribute(attributes, "ce_time")}"'
    if parent := attributes.get("traceparent"):
        head += f',"traceparent":"{parent.decode("ascii", "replace")}"'
    rest = body[1:].lstrip()
    try:
        return kind.model_validate_json(head.encode() + (b"," if rest[:1] != b"}" else b"") + rest)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise Poison(f"{kind.name} does not fit: {reasons}"[:1000]) from error


def _attribute(attributes: Mapping[str, bytes], name: str) -> str:
    value = attributes.get(name)
    if not value:
        raise Poison(f"header {name} is missing")
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise Poison(f"header {name} is not ASCII") from error


def _uuid7(text: str) -> UUID:
    try:
        event_id = UUID(text)
    except ValueError as error:
        raise Poison(f"ce_id {text!r} is no UUID") from error
    if event_id.version != 7:
        raise Poison(f"ce_id {text!r} is no UUIDv7")
    return event_id


def split(records: Sequence[Record]) -> tuple[list[tuple[Event, Record]], list[tuple[Record, Exception]]]:
    """What one poll brought: events with their records, and poison with its cause."""
    events: list[tuple[Event, Record]] = []
    poison: list[tuple[Record, Exception]] = []
    for record in records:
        try:
            events.append((decode(record.topic, record.headers, record.value), record))
        except Poison as cause:
            poison.append((record, cause))
    return events, poison
