"""WhatsApp Cloud: what its messages say. Statuses of our own messages are counted."""

import logging
from typing import Any

from common import persian, telemetry
from pydantic import ValidationError

from intake.channels.meta.schemas import (
    Card,
    CardPhone,
    Change,
    Entry,
    WhatsAppContent,
    WhatsAppMessage,
    WhatsAppStatus,
    WhatsAppValue,
)
from intake.channels.wire import Reading, file_name, moment, point, refusal, together, written_to
from intake.conversation.heard import FileKind, FileRef, Heard

log = logging.getLogger(__name__)
PLATFORM = "whatsapp"
SILENT = frozenset({"reaction", "system", "revoke", "request_welcome"})  # nothing that a citizen says to us


def read_entry(entry: Entry) -> Reading:
    """What one account's entry says."""
    return together(_changed(given) for given in entry.changes)


def _changed(given: Any) -> Reading:
    try:
        change = Change.model_validate(given)
        if change.field != "messages":
            return Reading()
        value = WhatsAppValue.model_validate(change.value)
    except ValidationError as error:
        return refusal(error, "/changes")
    said = written_to(_our_number(value.metadata), together(map(_message, value.messages)))
    return together([said, *map(_status, value.statuses)])


def _our_number(metadata: Any) -> str | None:
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    return str(number) if number else None


def _message(given: Any) -> Reading:
    try:
        message = WhatsAppMessage.model_validate(given)
    except ValidationError as error:
        return refusal(error, "/messages")
    account = message.sender or message.from_user_id
    if account is None:
        return Reading(refused=("/messages: no sender",))
    if message.type in SILENT or message.group_id:
        return Reading()
    return Reading((_heard(message, account),))


def _heard(message: WhatsAppMessage, account: str) -> Heard:
    said: WhatsAppContent = message.edit.message if message.edit else message
    place = said.location
    return Heard(
        PLATFORM,
        account=account,
        update=message.id,
        text=_text(said, account),
        button=_button(said),
        point=point(place.latitude, place.longitude) if place else None,
        phone=_own_number(said, account),
        files=_files(said),
        at=moment(message.timestamp),
        edited=message.edit is not None,
        message=message.edit.original_message_id if message.edit else message.id,
    )


def _text(said: WhatsAppContent, account: str) -> str | None:
    captions = [media.caption for media in (said.image, said.video, said.document) if media]
    text = said.text.body if said.text else next(iter(captions), None)
    others = [phone.phone or phone.wa_id or "" for phone in _phones(said.contacts) if phone.wa_id != account]
    return text or " ".join(others) or None


def _button(said: WhatsAppContent) -> str | None:
    if said.button:
        return said.button.payload or said.button.text
    choice = said.interactive and (said.interactive.button_reply or said.interactive.list_reply)
    return choice.id if choice else None


def _files(said: WhatsAppContent) -> tuple[FileRef, ...]:
    kinds = {
        FileKind.PHOTO: said.image,
        FileKind.VOICE: said.audio,
        FileKind.VIDEO: said.video,
        FileKind.DOCUMENT: said.document,
    }
    return tuple(
        FileRef(kind, media.id, file_name(media.filename), media.mime_type) for kind, media in kinds.items() if media
    )


def _own_number(said: WhatsAppContent, account: str) -> str | None:
    """The sender's number where they sent their own card; any other number is somebody's, so it is words."""
    own = [phone.phone for phone in _phones(said.contacts) if phone.wa_id == account and phone.phone]
    found = persian.parse_phone(own[0]) if own else None
    return found.e164 if found else None


def _phones(cards: list[Card]) -> list[CardPhone]:
    return [phone for card in cards for phone in card.phones]


def _status(given: Any) -> Reading:
    try:
        status = WhatsAppStatus.model_validate(given)
    except ValidationError as error:
        return refusal(error, "/statuses")
    telemetry.PLATFORM_STATUSES.add(1, {"platform": PLATFORM, "status": _known(status.status)})
    if status.status == "failed":
        log.warning("WhatsApp did not deliver: %s", [error.code for error in status.errors])
    return Reading()


def _known(status: str) -> str:
    return status if status in ("sent", "delivered", "read", "played", "failed") else "other"
