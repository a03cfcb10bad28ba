"""Valid payloads made malformed, the same for the same seed: what a platform's bug, or an attacker, may send."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

_JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(10**30),
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e۳۱",
    "x" * 5000,
    [],
    {},
    [[]],
    {"": {}},
    {"id": None},
    [None] * 50,
    "' OR 1=1 --",
    "-91",
    "1e999",
    "2026-13-45",
)


def malformed(document: Any, dice: random.Random) -> bytes:
    """One payload, with one to four things wrong in its structure or in its bytes."""
    made = json.loads(json.dumps(document))
    for _ in range(dice.randint(1, 3)):
        made = _replaced(made, dice)
    body = json.dumps(made, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    return dice.choice(_BYTES)(body, dice) if dice.random() < 0.4 else body


def malformed_form(form: bytes, dice: random.Random) -> bytes:
    """The same for a form."""
    body = form
    for _ in range(dice.randint(1, 3)):
        body = dice.choice((*_BYTES, _field_lost, _field_twice))(body, dice)
    return body


def _replaced(document: Any, dice: random.Random) -> Any:
    """With one node lost, doubled, or of another kind."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    places = list(inner)
    if not places or dice.random() < 0.1:
        return copy.deepcopy(dice.choice(_JUNK))
    place, value = dice.choice(places)
    if dice.random() < 0.7 and isinstance(value, dict | list) and value:
        document[place] = _replaced(value, dice)
    elif dice.random() < 0.3:
        del document[place]
    elif isinstance(document, list) and dice.random() < 0.3:
        document += [copy.deepcopy(value) for _ in range(dice.randint(1, 3))]
    else:
        document[place] = copy.deepcopy(dice.choice(_JUNK))
    return document


def _cut(body: bytes, dice: random.Random) -> bytes:
    return body[: dice.randint(0, len(body))]


def _flipped(body: bytes, dice: random.Random) -> bytes:
    changed = bytearray(body or b"x")
    for _ in range(dice.randint(1, 5)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _grown(body: bytes, dice: random.Random) -> bytes:
    at = dice.randint(0, len(body))
    return body[:at] + dice.randbytes(dice.randint(1, 40)) + body[at:]


def _twice(body: bytes, dice: random.Random) -> bytes:
    return body + body


def _nested(body: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((10, 300, 3000))
    return b'{"update":' * depth + body + b"}" * depth


def _field_lost(body: bytes, dice: random.Random) -> bytes:
    fields = body.split(b"&")
    del fields[dice.randrange(len(fields))]
    return b"&".join(fields)


def _field_twice(body: bytes, dice: random.Random) -> bytes:
    return body + b"&" + dice.choice(body.split(b"&"))


_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_cut, _flipped, _grown, _twice, _nested)
