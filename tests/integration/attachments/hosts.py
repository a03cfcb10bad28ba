"""Files that wait, and what a platform answers when it is asked for them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from common.db import Database
from common.health import Pulse
from common.sealed import Sealer
from intake.attachments.fetching import Fetcher
from intake.attachments.files import Files
from intake.conversation.heard import FileKind, FileRef

from tests.platforms import Host, Reply, a_document

Make = Callable[..., Fetcher]

CODE = "1234567897"
TOKEN = "123:secret"
PULSE = Pulse("fetch files")
A_MESSAGE = """
INSERT INTO messages (code, channel, text, sms, taken_by, occurred_at, received_at)
VALUES ($1, 'social', 'متن', false, 'bot-1', now(), now()) ON CONFLICT DO NOTHING
"""


async def noted(database: Database, sealer: Sealer, platform: str, reference: str) -> None:
    """A file that came with the message of `CODE`."""
    async with database.transaction() as tx:
        await tx.execute(A_MESSAGE, CODE)
        await Files(sealer).note(CODE, platform, [FileRef(FileKind.PHOTO, reference)], tx)


async def row_of(database: Database) -> dict[str, Any]:
    """The newest attachment."""
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT * FROM attachments ORDER BY position DESC LIMIT 1")
    assert row is not None
    return dict(row)


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def at_telegram(host: Host, *replies: Reply) -> None:
    """Let the host answer as Telegram and Bale, with these one after the other."""
    host.at[f"/bot{TOKEN}/getFile"] = a_document({"ok": True, "result": {"file_path": "photos/1.jpg"}})
    host.at[f"/file/bot{TOKEN}/photos/1.jpg"] = list(replies)
