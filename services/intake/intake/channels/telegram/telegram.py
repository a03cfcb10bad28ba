"""Telegram's dialect, as a citizen's words: private chats only, an album's photos one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from intake.channels.telegram.schemas import TelegramFile, TelegramMessage, TelegramUpdate
from intake.conversation.heard import FileKind, FileRef, Heard, Point

_KINDS = (
    ("voice", FileKind.VOICE),
    ("audio", FileKind.VOICE),
    ("video", FileKind.VIDEO),
    ("video_note", FileKind.VIDEO),
    ("animation", FileKind.VIDEO),
    ("document", FileKind.DOCUMENT),
)


def read_update(body: bytes) -> TelegramUpdate:
    """The update in a body; pydantic's ValidationError where there is none."""
    return TelegramUpdate.model_validate_json(body)


def heard_in(update: TelegramUpdate, platform: str, *, bot: str = "") -> Sequence[Heard]:
    """What a citizen said with an update: one thing, or nothing where it is of another kind or from a group."""
    number = f"{bot}:{update.update_id}"  # each bot counts for itself
    if update.callback_query is not None:
        query = update.callback_query
        if query.message is not None and query.message.chat.type != "private":
            return ()
        return (Heard(platform, str(query.sender.id), number, button=query.data or "", ours=bot or None),)
    message = update.message or update.edited_message
    if message is None or not _is_a_citizens(message):
        return ()
    return (replace(_heard(message, platform, number, edited=update.message is None), ours=bot or None),)


def _is_a_citizens(message: TelegramMessage) -> bool:
    """A person in a private chat who sent something; not a chat's own notices."""
    sent = message.text or message.caption or message.location or message.contact or message.sticker
    from_bot = message.sender is not None and message.sender.is_bot
    return message.chat.type == "private" and not from_bot and bool(sent or any(_files(message)))


def _heard(message: TelegramMessage, platform: str, number: str, *, edited: bool) -> Heard:
    place = message.location
    return Heard(
        platform,
        str(message.chat.id),
        number,
        text=message.text or message.caption,
        point=Point(place.latitude, place.longitude) if place else None,
        phone=_own_number(message),
        files=tuple(_files(message)),
        at=message.date,
        edited=edited,
        message=str(message.message_id),
    )


def _own_number(message: TelegramMessage) -> str | None:
    """The sender's number; one can share anybody's contact, so it counts only where it is theirs."""
    contact, sender = message.contact, message.sender
    if contact is None or sender is None or contact.user_id != sender.id:
        return None
    number = contact.phone_number.strip()
    return number if number.startswith(("+", "0")) else f"+{number}"  # in some clients it comes without


def _files(message: TelegramMessage) -> Iterator[FileRef]:
    """The files of a message, each once: an animation is its document too."""
    if message.photo:
        largest = max(message.photo, key=lambda size: ((size.width or 0) * (size.height or 0), size.file_size or 0))
        yield FileRef(FileKind.PHOTO, largest.file_id, size=largest.file_size)
    seen: set[str] = set()
    for name, kind in _KINDS:
        file: TelegramFile | None = getattr(message, name)
        if file is not None and file.file_id not in seen:
            seen.add(file.file_id)
            yield FileRef(kind, file.file_id, file.file_name, file.mime_type, file.file_size)
