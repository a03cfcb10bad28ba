"""Rubika's updates, by the documents of its bot interface: ids may be numbers, coordinates and sizes are texts."""

from typing import Self

from pydantic import Field, model_validator

from intake.channels.wire import Wire, WireId


class RubikaCoordinates(Wire):
    """A place, degrees as texts."""

    latitude: str | None = None
    longitude: str | None = None


class RubikaLiveLocation(Wire):
    """A place that moves for a while."""

    current_location: RubikaCoordinates | None = None


class RubikaStoredFile(Wire):
    """A file that Rubika keeps; its kind shows in its name alone."""

    file_id: WireId
    file_name: str | None = None
    size: str | None = None


class RubikaAuxiliary(Wire):
    """What stands behind a button, and what a link to the bot carried."""

    start_id: str | None = Field(default=None, max_length=200)
    button_id: str | None = Field(default=None, max_length=200)


class RubikaContactCard(Wire):
    """Somebody's number; nothing says whose."""

    phone_number: str | None = Field(default=None, max_length=40)


class RubikaMessage(Wire):
    """A message, as new or after a change."""

    message_id: WireId
    text: str | None = None
    time: str | None = None
    sender_type: str | None = None
    aux_data: RubikaAuxiliary | None = None
    file: RubikaStoredFile | None = None
    location: RubikaCoordinates | None = None
    live_location: RubikaLiveLocation | None = None
    contact_message: RubikaContactCard | None = None


class RubikaUpdate(Wire):
    """Something that happened in a chat with the bot."""

    type: str = Field(examples=["NewMessage"])
    chat_id: WireId
    new_message: RubikaMessage | None = None
    updated_message: RubikaMessage | None = None
    update_time: str | None = None

    @property
    def said(self) -> RubikaMessage | None:
        """The message that it is about, if any."""
        return self.updated_message if self.type == "UpdatedMessage" else self.new_message

    @model_validator(mode="after")
    def _has_its_message(self) -> Self:
        if self.said is None and self.type in ("NewMessage", "UpdatedMessage"):
            raise ValueError("without its message")
        return self


class RubikaInlineMessage(Wire):
    """A button below one of the bot's messages was pressed."""

    message_id: WireId
    chat_id: WireId
    text: str | None = None
    aux_data: RubikaAuxiliary | None = None
    file: RubikaStoredFile | None = None
    location: RubikaCoordinates | None = None


class RubikaBody(Wire):
    """What Rubika posts: one of the two."""

    update: RubikaUpdate | None = None
    inline_message: RubikaInlineMessage | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.update is None and self.inline_message is None:
            raise ValueError("neither update nor inline_message")
        return self
