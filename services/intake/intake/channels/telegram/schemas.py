"""What Telegram sends, as far as we read it (core.telegram.org/bots/api, 9.x); Bale speaks the same dialect."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

WireText = Annotated[str, Field(max_length=20_000)]
FileId = Annotated[str, Field(min_length=1, max_length=512)]


class Wire(BaseModel):
    """Fields that we do not read are ignored, for the platforms add some every month; null is absent."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Chat(Wire):
    """Where something was said; `type` is private, group, supergroup or channel."""

    id: int
    type: str | None = "private"


class User(Wire):
    """Who said it."""

    id: int
    is_bot: bool | None = None


class PhotoSize(Wire):
    """One of a photo's sizes."""

    file_id: FileId
    width: int | None = None
    height: int | None = None
    file_size: int | None = None


class File(Wire):
    """Any other file."""

    file_id: FileId
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None


class Location(Wire):
    """A point, degrees, WGS 84."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class SharedContact(Wire):
    """A contact that was shared; the citizen's own only where `user_id` is theirs."""

    phone_number: str = Field(max_length=40)
    user_id: int | None = None


class ChatMessage(Wire):
    """Something that was sent to a chat."""

    message_id: int
    date: AwareDatetime | None = None
    chat: Chat
    sender: User | None = Field(default=None, alias="from")
    text: WireText | None = None
    caption: WireText | None = None
    photo: list[PhotoSize] | None = None
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    document: File | None = None
    location: Location | None = None
    contact: SharedContact | None = None
    sticker: Any = None


class CallbackQuery(Wire):
    """A button under a message of ours that was pressed."""

    id: str
    sender: User = Field(alias="from")
    message: ChatMessage | None = None
    data: str | None = Field(default=None, max_length=256)


class Update(Wire):
    """One update; those of other kinds have none of the three."""

    update_id: int
    message: ChatMessage | None = None
    edited_message: ChatMessage | None = None
    callback_query: CallbackQuery | None = None
