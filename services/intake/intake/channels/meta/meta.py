"""Meta's batches: several entries of several accounts, for WhatsApp and Instagram alike."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from intake.channels.meta import instagram, whatsapp
from intake.channels.meta.schemas import Entry, MetaBody
from intake.channels.wire import Reading, refusal, together

READERS: Mapping[str, Callable[[Entry], Reading]] = {
    "whatsapp_business_account": whatsapp.read_entry,
    "instagram": instagram.read_entry,
}


def read(body: bytes) -> Reading:
    """What one batch says; a part that cannot be read does not lose the others."""
    try:
        posted = MetaBody.model_validate_json(body)
    except ValidationError as error:
        return refusal(error)
    reader = READERS.get(posted.object)
    if reader is None:
        return Reading(refused=("/object: not one of " + ", ".join(READERS),))
    return together(_entry(given, reader) for given in posted.entry)


def _entry(given: Any, reader: Callable[[Entry], Reading]) -> Reading:
    try:
        return reader(Entry.model_validate(given))
    except ValidationError as error:
        return refusal(error, "/entry")
