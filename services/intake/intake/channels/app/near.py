"""References to open cases of other citizens.

Who knows a code may ask after its case and reply to it, so a code is told to its own citizen alone. The app gets the
code sealed, which only intake opens: enough to say "the same as that one", and for nothing else.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from common.errors import FieldError, Problem
from common.sealed import Sealer, SealError

from intake.channels.app.own_schemas import NearCase
from intake.channels.app.schemas import AppMessage
from intake.contact import Origin

AWAY = "cases near by cannot be told right now; send the message without `joins`"
_MARK = "near:"  # else anything that was sealed could be passed off as a reference


def near_case(found: Mapping[str, Any], sealer: Sealer) -> NearCase:
    """What the app is shown of a case that routing found."""
    reference = sealer.seal(_MARK + str(found["code"]))
    return NearCase(**{name: found[name] for name in NearCase.model_fields if name != "reference"}, reference=reference)


def chosen(origin: Origin, message: AppMessage, sealer: Sealer) -> Origin:
    """The origin, with the case that the citizen says it is the same as."""
    return replace(origin, joins=code_behind(message.joins, sealer)) if message.joins else origin


def code_behind(reference: str, sealer: Sealer) -> str:
    """The code of a reference; Problem 422 where we did not give it."""
    try:
        opened = sealer.open(reference)
    except SealError:
        opened = ""
    if not opened.startswith(_MARK):
        detail = "not a reference that GET /v1/app/nearby gave"
        raise Problem(422, "The body does not fit; see `errors` for each field.", [FieldError("/joins", detail)])
    return opened.removeprefix(_MARK)
