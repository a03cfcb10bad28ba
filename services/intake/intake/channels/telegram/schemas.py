"""What Telegram sends, as far as we read it (core.telegram.org/bots/api, 9.x); Bale speaks the same dialect."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

WireText = Annotated[str, Field(max_length=20_000)]
FileId = Annotated[str, Field(min_length=1, max_length=512)]


class Wire(BaseModel):
    """Fields that we do not read are ignored, for the platforms add some every month; null is absent."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class TelegramChat(Wire):
    """Where something was said; `type` is private, group, supergroup or channel."""

    id: int
    type: str | None = "private"


class TelegramUser(Wire):
    """Who said it."""

    id: int
    is_bot: bool | None = None


class TelegramPhoto(Wire):
    """One of a photo's sizes."""

    file_id: FileId
    width: int | None = None
    height: int | None = None
    file_size: int | None = None


class TelegramFile(Wire):
    """Any other file."""

    file_id: FileId
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None


class TelegramLocation(Wire):
    """A point, degrees, WGS 84."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class TelegramContact(Wire):
    """A contact that was shared; the citizen's own only where `user_id` is theirs."""

    phone_number: str = Field(max_length=40)
    user_id: int | None = None


class TelegramMessage(Wire):
    """Something that was sent to a chat."""

    message_id: int
    date: AwareDatetime | None = None
    chat: TelegramChat
    sender: TelegramUser | None = Field(default=None, alias="from")
    text: WireText | None = None
    caption: WireText | None = None
    photo: list[TelegramPhoto] | None = None
    voice: TelegramFile | None = None
    audio: TelegramFile | None = None
    video: TelegramFile | None = None
    video_note: TelegramFile | None = None
    animation: TelegramFile | None = None
    document: TelegramFile | None = None
    location: TelegramLocation | None = None
    contact: TelegramContact | None = None
    sticker: Any = None


class TelegramQuery(Wire):
    """A button under a message of ours that was pressed."""

    id: str
    sender: TelegramUser = Field(alias="from")
    message: TelegramMessage | None = None
    data: str | None = Field(default=None, max_length=256)


class TelegramUpdate(Wire):
    """One update; those of other kinds have none of the three."""

    update_id: int
    message: TelegramMessage | None = None
    edited_message: TelegramMessage | None = None
    callback_query: TelegramQuery | None = None
