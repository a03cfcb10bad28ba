"""A call's id in a link. Pure. A bot's start parameter is 64 of A-Z, a-z, 0-9, _ and - at most (Telegram's document
"Bot features", deep linking); an Asterisk id has a dot. What does not fit is written as `_` and two hex digits."""

import re

from common.events import Channel

LONGEST = 64
_PREFIX = "call-"
# A first "call-" of the id's own is written so too, for it would be taken for ours.
_UNFIT = re.compile(r"^c(?=all-)|[^A-Za-z0-9-]", re.ASCII)
_ESCAPED = re.compile(r"_([0-9a-f]{2})")
_ID = re.compile(r"[\w.:@+\-]{1,128}")


def start_parameter(call_id: str) -> str | None:
    """What a link carries of a call; None where it would not fit."""
    written = _PREFIX + _UNFIT.sub(lambda found: f"_{ord(found[0]):02x}", call_id)
    return written if len(written) <= LONGEST and call_id.isascii() else None


def call_id_in(parameter: str) -> str:
    """The call of a start parameter, with or without `call-`; an id that needs no such writing is itself.

    Anybody can write one: what would be no call's id (a NUL is nothing that the database takes) stays as it came.
    """
    read = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), parameter.removeprefix(_PREFIX))
    return read if _ID.fullmatch(read) else parameter


def call_named(given: str | None, channel: Channel) -> str | None:
    """The call that a message names; a bot and the app know it by the link that the caller got."""
    return given if given is None or channel is Channel.PHONE else call_id_in(given)


def link(pattern: str, call_id: str) -> str | None:
    """The link for a call, of one with `{call}` in it."""
    parameter = start_parameter(call_id)
    return pattern.replace("{call}", parameter) if parameter else None
