"""What crosses Kafka stays readable: one golden JSON per event version, never edited."""

import json
from pathlib import Path
from typing import Any

import pytest
from common.envelope import decode, headers_of
from common.errors import Poison
from common.events import BY_NAME, EVENTS, Event, SealedAddress, Stream
from common.outbox import Outgoing
from pydantic import BaseModel

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.name)
def test_the_golden_event_reads_and_writes_the_same(kind: type[Event]) -> None:
    document: dict[str, Any] = json.loads((GOLDEN / f"{kind.name}.json").read_text(encoding="utf-8"))
    event = kind.model_validate(document["attributes"] | document["body"])
    assert _first(json.loads(event.model_dump_json()), document["body"], kind) == document["body"]
    assert event.key == document["key"]
    assert event.stream == document["stream"]


@pytest.mark.parametrize("path", sorted((GOLDEN / "later").glob("*.json")), ids=lambda path: path.stem)
def test_fields_that_came_within_a_version_read_and_write_the_same(path: Path) -> None:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    event = BY_NAME[path.stem].model_validate(document["attributes"] | document["body"])
    written = json.loads(event.model_dump_json())
    first = json.loads((GOLDEN / path.name).read_text(encoding="utf-8"))
    assert {name: written[name] for name in document["body"]} == document["body"]
    assert document["body"].keys() > first["body"].keys()


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.name)
def test_a_record_is_read_as_it_was_written_and_unknown_fields_are_ignored(kind: type[Event]) -> None:
    document = json.loads((GOLDEN / f"{kind.name}.json").read_text(encoding="utf-8"))
    event = kind.model_validate(document["attributes"] | document["body"])
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    out = Outgoing(event.id, kind.stream, event.key, kind.name, event.at, parent, "")
    value = json.dumps(document["body"] | {"added_by_a_later_version": 1}).encode()
    read = decode(kind.stream, headers_of(out, b"/pasokh/test"), value)
    assert read == event.model_copy(update={"traceparent": parent})


def test_attributes_are_those_of_cloudevents() -> None:
    event = _golden("message.received.v1")
    out = Outgoing(event.id, event.stream, event.key, event.name, event.at, None, "")
    headers = dict(headers_of(out, b"/pasokh/intake"))
    assert set(headers) == {"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"}
    assert headers["ce_specversion"] == b"1.0"


def test_every_event_has_a_name_a_stream_and_says_where_it_goes() -> None:
    for kind in EVENTS:
        assert kind.stream in Stream
        assert "→" in (kind.__doc__ or "")
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(BY_NAME)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"ce_type": b"no.such.v9"}, "no such event"),
        ({"ce_type": b""}, "ce_type is missing"),
        ({"ce_id": b"1"}, "no UUID"),
        ({"ce_id": b"1b4e28ba-2fa1-41d2-883f-0016d3cca427"}, "no UUIDv7"),
        ({"ce_id": b"\xff"}, "not ASCII"),
        ({"ce_time": b"yesterday"}, "does not fit"),
        ({"ce_type": b"case.opened.v1"}, "does not belong"),
    ],
)
def test_a_record_that_is_no_event_says_why(change: dict[str, bytes], cause: str) -> None:
    event = _golden("message.received.v1")
    out = Outgoing(event.id, event.stream, event.key, event.name, event.at, None, "")
    headers = list((dict(headers_of(out, b"/pasokh/test")) | change).items())
    with pytest.raises(Poison, match=cause):
        decode(Stream.MESSAGES, headers, event.model_dump_json().encode())


@pytest.mark.parametrize("value", [None, b"", b"[]", b"null", b"{}", b"{", b"\xff", b'{"code": 5}'])
def test_a_value_that_is_no_event_says_why(value: bytes | None) -> None:
    event = _golden("message.received.v1")
    out = Outgoing(event.id, event.stream, event.key, event.name, event.at, None, "")
    with pytest.raises(Poison, match=r"JSON|fit"):
        decode(Stream.MESSAGES, headers_of(out, b"/pasokh/test"), value)


def _first(written: dict[str, Any], body: dict[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """What was written without the optional fields that came within the version, which have nothing in them."""
    for name in written.keys() - body.keys():
        assert written[name] == kind.model_fields[name].default
    known = {name: written[name] for name in written if name in body}
    if isinstance(address := body.get("reply_to"), dict):
        known["reply_to"] = _first(written["reply_to"], address, SealedAddress)
    return known


def _golden(name: str) -> Event:
    document = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return BY_NAME[name].model_validate(document["attributes"] | document["body"])
