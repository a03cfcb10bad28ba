"""Rows of attachments: noted with the message they came with, in one transaction."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from common.auth import Caller
from common.db import Database
from common.errors import Problem
from common.events import Channel, MessageReceived
from common.sealed import Sealer
from intake.accept import store
from intake.attachments.files import TOO_MANY, Files, owner_of
from intake.contact import Contact, Origin, Reader
from intake.conversation.heard import FileKind, FileRef
from intake.receipt import Receipt
from intake.schemas import MessageIn
from intake.settings import Settings
from uuid_utils.compat import uuid7
from workbench.keys import Keys

from tests.builders import service_settings

CITIZEN = Caller("app-1", frozenset({"app"}), citizen="citizen-1")


@pytest.fixture
def reader(database: Database, keys: Keys, sealer: Sealer) -> Reader:
    return Reader(Settings.model_construct(None, **service_settings(database.address, keys)), sealer)


def photos(number: int) -> list[FileRef]:
    return [FileRef(FileKind.PHOTO, f"file-{n}") for n in range(number)]


def a_contact(reader: Reader, *, key: bytes | None = None, caller: Caller = CITIZEN, **brought: Any) -> Contact:
    origin = Origin(Channel.SOCIAL, caller, key=key, platform="bale", account="7")
    return reader.enclosing(reader.message(MessageIn(text="چراغ خاموش است"), origin, datetime.now(UTC)), **brought)


async def accept(database: Database, *contacts: Contact) -> list[Receipt | Problem]:
    async with database.transaction() as tx:
        return await store(contacts, tx)


async def rows(database: Database) -> list[Any]:
    async with database.transaction() as tx:
        return await tx.fetch("SELECT * FROM attachments ORDER BY code, position")


async def an_upload(database: Database, sealer: Sealer, caller: Caller = CITIZEN) -> UUID:
    made = uuid7()
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO attachments (id, platform, owner, kind, state, tries, next_try_at, created_at)"
            " VALUES ($1, 'app', $2, 'photo', 'stored', 0, now(), now())",
            made,
            owner_of(caller, sealer),
        )
    return made


async def test_files_are_noted_with_their_message_and_counted_in_its_event(
    database: Database, reader: Reader, sealer: Sealer
) -> None:
    contact = a_contact(reader, files=photos(2))
    await accept(database, contact)
    noted = await rows(database)
    assert [(row["code"], row["position"], row["state"]) for row in noted] == [
        (contact.event.code, 0, "waiting"),
        (contact.event.code, 1, "waiting"),
    ]
    assert isinstance(contact.event, MessageReceived)
    assert contact.event.attachments == 2
    assert "file-0" not in str([dict(row) for row in noted])
    assert [sealer.open(row["reference"]) for row in noted] == ["file-0", "file-1"]


async def test_the_sixth_file_is_refused_with_its_reason(database: Database, reader: Reader) -> None:
    contact = a_contact(reader, files=photos(6))
    await accept(database, contact)
    *_, sixth = await rows(database)
    assert (sixth["position"], sixth["state"], sixth["reason"]) == (5, "refused", TOO_MANY)
    assert isinstance(contact.event, MessageReceived)
    assert contact.event.attachments == 5


async def test_files_that_come_later_go_on_counting(database: Database, reader: Reader, sealer: Sealer) -> None:
    contact = a_contact(reader, files=photos(4))
    await accept(database, contact)
    code = contact.event.code or ""
    async with database.transaction() as tx:
        await Files(sealer).note(code, "bale", photos(2), tx)
        await Files(sealer).note(code, "bale", photos(100), tx)
    noted = await rows(database)
    assert [row["position"] for row in noted] == list(range(20))
    assert [row["state"] for row in noted].count("waiting") == 5


async def test_a_file_for_a_code_that_does_not_exist_is_our_error(database: Database, sealer: Sealer) -> None:
    with pytest.raises(LookupError, match="1234567897"):
        async with database.transaction() as tx:
            await Files(sealer).note("1234567897", "bale", photos(1), tx)


async def test_the_same_update_twice_notes_its_files_once(database: Database, reader: Reader) -> None:
    contact = a_contact(reader, key=b"update-1", files=photos(1))
    again = a_contact(reader, key=b"update-1", files=photos(1))
    await accept(database, contact, again)
    await accept(database, again)
    assert len(await rows(database)) == 1


async def test_an_upload_becomes_the_attachment_of_its_message(
    database: Database, reader: Reader, sealer: Sealer
) -> None:
    first, second = await an_upload(database, sealer), await an_upload(database, sealer)
    contact = a_contact(reader, uploads=[second, first])
    await accept(database, contact)
    assert [(row["id"], row["code"]) for row in await rows(database)] == [
        (second, contact.event.code),
        (first, contact.event.code),
    ]


async def test_an_upload_of_another_citizen_refuses_the_message_and_nobody_elses(
    database: Database, reader: Reader, sealer: Sealer
) -> None:
    foreign = await an_upload(database, sealer, Caller("app-1", frozenset({"app"}), citizen="citizen-2"))
    bad, good = a_contact(reader, key=b"bad", uploads=[foreign]), a_contact(reader)
    refused, taken, again = await accept(database, bad, good, a_contact(reader, key=b"bad", uploads=[foreign]))
    assert isinstance(refused, Problem)
    assert isinstance(again, Problem)
    assert (refused.status, refused.errors[0].pointer) == (422, "/attachments/0")
    assert isinstance(taken, Receipt)
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM messages") == 1
    assert [row["code"] for row in await rows(database)] == [None]


async def test_an_upload_goes_with_one_message_alone(database: Database, reader: Reader, sealer: Sealer) -> None:
    upload = await an_upload(database, sealer)
    first, second = await accept(database, *(a_contact(reader, uploads=[upload]) for _ in range(2)))
    [third] = await accept(database, a_contact(reader, uploads=[upload]))
    assert isinstance(first, Receipt)
    assert isinstance(second, Problem)
    assert isinstance(third, Problem)


async def queries_of(database: Database, contact: Contact) -> list[str]:
    asked: list[str] = []
    async with database.transaction() as tx:
        with tx.driver.query_logger(lambda query: asked.append(query.query)):
            await store([contact], tx)
    return asked


async def test_a_message_without_files_asks_nothing_about_attachments(database: Database, reader: Reader) -> None:
    origin = Origin(Channel.APP, CITIZEN, key=b"plain")
    plain = reader.message(MessageIn(text="چراغ خاموش است"), origin, datetime.now(UTC))
    without = await queries_of(database, plain)
    with_one = await queries_of(database, a_contact(reader, key=b"photo", files=photos(1)))
    assert not any("attachments" in query for query in without)
    assert len([query for query in with_one if "attachments" in query]) == 1
