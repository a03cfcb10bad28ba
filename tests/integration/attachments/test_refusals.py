"""A citizen whose file was refused hears of it once a message, on the way that they came by."""

from datetime import UTC, datetime

import orjson
from common.auth import Caller
from common.db import Database
from common.events import Channel, Prompt, PromptRequested
from common.sealed import Sealer
from intake.accept import store
from intake.attachments.models import State
from intake.contact import Origin, Reader
from intake.conversation.heard import FileKind, FileRef
from intake.schemas import MessageIn
from intake.settings import Settings

from tests.integration.attachments.hosts import PULSE, Make, noted, now, row_of
from tests.platforms import Host, Reply

NO_PHOTO = Reply(b"<html>an error page</html>")


async def sent_with(database: Database, sealer: Sealer, *addresses: str) -> None:
    """A message of the chat 7 with files at these addresses."""
    origin = Origin(Channel.SOCIAL, Caller("bot", frozenset()), platform="instagram", account="7")
    reader = Reader(Settings.model_construct(None), sealer)
    contact = reader.message(MessageIn(text="چراغ خاموش است"), origin, datetime.now(UTC))
    files = [FileRef(FileKind.PHOTO, address) for address in addresses]
    async with database.transaction() as tx:
        await store([reader.enclosing(contact, files)], tx)


async def prompts(database: Database) -> list[PromptRequested]:
    async with database.transaction() as tx:
        rows = await tx.fetch("SELECT at, body FROM outbox WHERE name = 'prompt.requested.v1' ORDER BY id")
    return [PromptRequested(at=row["at"], **orjson.loads(row["body"])) for row in rows]


async def test_whose_files_are_refused_is_told_once_where_they_wrote(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    host.at["/photo"] = NO_PHOTO
    for _ in range(2):
        await sent_with(database, sealer, f"{host.url}/photo", f"{host.url}/photo")
    await fetcher_of().turn(now(), PULSE)
    told = await prompts(database)
    assert len(told) == 2
    for prompt in told:
        assert prompt.prompt is Prompt.ATTACHMENT_REFUSED
        assert (prompt.channel, prompt.platform) == (Channel.SOCIAL, "instagram")
        assert sealer.open(prompt.reply_to.account or "") == "7"
        assert prompt.reply_to.account_lookup == sealer.lookup("instagram:7")


async def test_what_no_longer_waits_is_refused_and_told_no_more(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    await sent_with(database, sealer, f"{host.url}/photo")
    fetcher = fetcher_of()
    attachment = (await row_of(database))["id"]
    await fetcher.keeper.refuse(attachment, "its platform lost it", State.GONE)
    await fetcher.keeper.refuse(attachment, "it is empty")
    assert (await row_of(database))["state"] == "gone"
    assert await prompts(database) == []


async def test_whom_we_cannot_answer_is_told_nothing(
    database: Database, sealer: Sealer, host: Host, fetcher_of: Make
) -> None:
    host.at["/photo"] = NO_PHOTO
    await noted(database, sealer, "instagram", f"{host.url}/photo")  # of a message without an address
    await fetcher_of().turn(now(), PULSE)
    assert (await row_of(database))["state"] == "refused"
    assert await prompts(database) == []
