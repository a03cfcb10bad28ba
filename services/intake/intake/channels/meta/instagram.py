"""Instagram direct messages: what they say. Echoes of our own, reads and reactions say nothing."""

from typing import Any

from pydantic import ValidationError

from intake.channels.meta.schemas import Attachment, Change, Entry, InstagramEvent, InstagramMessage
from intake.channels.wire import Reading, moment, refusal, together, written_to
from intake.conversation.heard import FileKind, FileRef, Heard

PLATFORM = "instagram"
MILLISECONDS = 1000
_KINDS = {
    "image": FileKind.PHOTO,
    "audio": FileKind.VOICE,
    "video": FileKind.VIDEO,
    "file": FileKind.DOCUMENT,
}


def read_entry(entry: Entry) -> Reading:
    """What one account's entry says, in either form: as messaging, or (business login) as changes."""
    said = [*(_event(given, entry.id) for given in entry.messaging), *map(_changed, entry.changes)]
    return written_to(entry.id or None, together(said))


def _changed(given: Any) -> Reading:
    try:
        change = Change.model_validate(given)
    except ValidationError as error:
        return refusal(error, "/changes")
    return _event(change.value) if change.field in ("messages", "messaging_postbacks") else Reading()


def _event(given: Any, own: str = "") -> Reading:
    try:
        event = InstagramEvent.model_validate(given)
    except ValidationError as error:
        return refusal(error, "/messaging")
    heard = _said(event) if event.sender.id != own else None
    return Reading((heard,) if heard else ())


def _said(event: InstagramEvent) -> Heard | None:
    if event.message:
        return _message(event, event.message)
    if event.message_edit:
        edit = event.message_edit
        return _heard(event, f"{edit.mid}:{edit.num_edit}", text=edit.text, edited=True, message=edit.mid)
    if event.postback:
        update = event.postback.mid or f"postback:{event.timestamp}"
        return _heard(event, update, text=_start(event), button=event.postback.payload)
    if event.referral:
        return _heard(event, f"referral:{event.timestamp}", text=_start(event))
    return None


def _message(event: InstagramEvent, message: InstagramMessage) -> Heard | None:
    if message.is_echo or message.is_deleted:
        return None
    button = message.quick_reply.payload if message.quick_reply else None
    text = None if button else message.text
    return _heard(event, message.mid, text=text, button=button, files=_files(message.attachments), message=message.mid)


def _heard(event: InstagramEvent, update: str, **said: Any) -> Heard:
    at = moment(event.timestamp, a_second=MILLISECONDS)
    return Heard(PLATFORM, account=event.sender.id, update=update, at=at, **said)


def _start(event: InstagramEvent) -> str | None:
    """The parameter of a link to us, told as the other messengers tell theirs."""
    referral = event.referral or (event.postback.referral if event.postback else None)
    ref = referral.ref if referral else None
    return f"/start {ref}" if ref else None


def _files(attachments: list[Attachment]) -> tuple[FileRef, ...]:
    """Files by their https addresses; what was shared from elsewhere is none."""
    return tuple(
        FileRef(_KINDS[one.type], one.payload.url)
        for one in attachments
        if one.type in _KINDS and one.payload and one.payload.url and one.payload.url.startswith("https://")
    )
