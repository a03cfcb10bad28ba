"""Rubika: what its updates say. It has no update ids; the chat and the message's id make it count once."""

import hashlib

from common import persian

from intake.channels.rubika.schemas import (
    RubikaBody,
    RubikaCoordinates,
    RubikaInlineMessage,
    RubikaMessage,
    RubikaStoredFile,
    RubikaUpdate,
)
from intake.channels.wire import file_name, moment, point, whole
from intake.conversation.heard import FileKind, FileRef, Heard, Point

PLATFORM = "rubika"
ASKING_BUTTONS = frozenset({"location", "contact"})  # ids that notify gives them
_SHARED_CHATS = ("g0", "c0")  # groups and channels; a person's chat with a bot begins with b0
_KINDS = {
    FileKind.PHOTO: ("jpg", "jpeg", "png", "webp", "heic", "gif", "bmp"),
    FileKind.VIDEO: ("mp4", "mov", "mkv", "avi", "3gp", "webm"),
    FileKind.VOICE: ("ogg", "oga", "opus", "mp3", "m4a", "aac", "wav", "amr"),
}
_KIND_OF = {ending: kind for kind, endings in _KINDS.items() for ending in endings}


def read(body: bytes) -> tuple[Heard, ...]:
    """What one body says; nothing for what asks no answer (a bot stopped, a message removed, a payment).

    ValidationError when it cannot be read.
    """
    posted = RubikaBody.model_validate_json(body)
    if posted.inline_message is not None:
        return _pressed(posted.inline_message)
    return _updated(posted.update) if posted.update is not None else ()


def _updated(update: RubikaUpdate) -> tuple[Heard, ...]:
    said = update.said
    if said is None or said.sender_type == "Bot" or update.chat_id.startswith(_SHARED_CHATS):
        return ()
    return (_heard(update, said, edited=said is update.updated_message),)


def _heard(update: RubikaUpdate, said: RubikaMessage, *, edited: bool) -> Heard:
    return Heard(
        PLATFORM,
        account=update.chat_id,
        update=f"{said.message_id}:{_change(said)}" if edited else said.message_id,
        text=_text(said),
        button=(said.aux_data.button_id or None) if said.aux_data else None,
        point=_place(said),
        phone=_own_phone(said),
        files=_files(said.file),
        at=moment(update.update_time if edited else said.time),
        edited=edited,
        message=said.message_id,
    )


def _text(said: RubikaMessage) -> str | None:
    """What was written. What an asking button says, beside the answer or without one, nobody wrote."""
    aux, card = said.aux_data, said.contact_message
    if aux and aux.start_id:
        return f"/start {aux.start_id}"
    if aux and aux.button_id in ASKING_BUTTONS:
        return None
    return said.text or (card.phone_number if card and _own_phone(said) is None else None)


def _own_phone(said: RubikaMessage) -> str | None:
    """The sender's number: of a card that our own button asked for. Any other card is a number that was written."""
    asked_for = said.contact_message is not None and said.aux_data is not None and said.aux_data.button_id
    number = said.contact_message.phone_number if said.contact_message and asked_for else None
    found = persian.parse_phone(number) if number else None
    return found.e164 if found else None


def _change(said: RubikaMessage) -> str:
    """One change of a message; the same change sent again has the same."""
    return hashlib.sha256((said.text or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _pressed(pressed: RubikaInlineMessage) -> tuple[Heard, ...]:
    button = pressed.aux_data.button_id if pressed.aux_data else None
    if pressed.chat_id.startswith(_SHARED_CHATS):
        return ()
    heard = Heard(
        PLATFORM,
        account=pressed.chat_id,
        update=f"inline:{pressed.message_id}:{button or ''}",  # the message is the bot's own, with several buttons
        text=None if button else pressed.text,
        button=button or None,
        point=_coordinates(pressed.location),
        files=_files(pressed.file),
    )
    return (heard,)


def _place(said: RubikaMessage) -> Point | None:
    live = said.live_location.current_location if said.live_location else None
    return _coordinates(said.location or live)


def _coordinates(given: RubikaCoordinates | None) -> Point | None:
    return point(given.latitude, given.longitude) if given else None


def _files(stored: RubikaStoredFile | None) -> tuple[FileRef, ...]:
    if stored is None:
        return ()
    name = file_name(stored.file_name)
    kind = _KIND_OF.get((name or "").rpartition(".")[2].lower(), FileKind.DOCUMENT)
    return (FileRef(kind, stored.file_id, name, size=whole(stored.size)),)
