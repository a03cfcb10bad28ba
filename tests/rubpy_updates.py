"""Updates of Rubika built by rubpy's own classes, as JSON on standard output.

A process of its own: rubpy puts an object into `sys.modules` that hypothesis cannot look at.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from rubpy.bot.enums import UpdateTypeEnum
from rubpy.bot.models import AuxData, ContactMessage, File, InlineMessage, Location, Message, Update


def updates() -> list[dict[str, Any]]:
    """A message with everything, a change of it, a removal, and a button that was pressed."""
    said = Message(
        message_id="204215121115944300",
        text="جوی آب گرفته",
        time="1643122902",
        sender_type="User",
        sender_id="u01",
        aux_data=AuxData(button_id="phone"),
        file=File(file_id="f1", file_name="a.jpg", size="10"),
        location=Location(longitude="51.4", latitude="35.7"),
        contact_message=ContactMessage(phone_number="09121234567", first_name="x", last_name="y"),
    )
    pressed = InlineMessage(aux_data=AuxData(button_id="yes"), message_id="9", chat_id="b01", text="بله")
    return [
        {"update": _plain(Update(type=UpdateTypeEnum.NewMessage, chat_id="b01", new_message=said))},
        {"update": _plain(Update(type=UpdateTypeEnum.UpdatedMessage, chat_id="b01", updated_message=said))},
        {"update": _plain(Update(type=UpdateTypeEnum.RemovedMessage, chat_id="b01", removed_message_id="1"))},
        {"inline_message": _plain(pressed)},
    ]


def _plain(update: Any) -> dict[str, Any]:
    document = asdict(update)
    document.pop("client")
    return document


if __name__ == "__main__":
    json.dump(updates(), sys.stdout)
