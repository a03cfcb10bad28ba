"""What every channel's route does between its body and its answer."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson
from common.app import Service
from common.auth import Caller
from common.events import Answer, Channel
from common.group_commit import GroupCommit
from common.idempotency import key_of
from fastapi import Request, Response

from intake.accept import store
from intake.contact import Contact, Origin, Reader, is_urgent
from intake.conversation.heard import FileRef
from intake.limits import Limits, device_of, limits_of
from intake.receipt import Receipt
from intake.schemas import MessageIn
from intake.settings import Settings


class Reception:
    """Takes what a channel parsed, and answers when it is committed."""

    def __init__(self, reader: Reader, accept: GroupCommit[Contact, Receipt], limits: Limits) -> None:
        self._reader = reader
        self._accept = accept
        self._limits = limits

    async def message(self, taken: MessageIn, origin: Origin) -> Response:
        """Accept a message: 202 with its code."""
        return accepted(await self.receipt(taken, origin))

    async def receipt(self, taken: MessageIn, origin: Origin, files: Sequence[FileRef] = ()) -> Receipt:
        """Accept a message, for a channel that answers in a form of its own."""
        contact = self._reader.message(taken, origin, datetime.now(UTC))
        return await self.take(self._reader.enclosing(contact, files) if files else contact)

    async def message_with(
        self, taken: MessageIn, origin: Origin, *, files: Sequence[FileRef] = (), uploads: Sequence[UUID] = ()
    ) -> Response:
        """Accept a message with files to be fetched, or with uploads of the citizen's own; 422 where one is not."""
        contact = self._reader.message(taken, origin, datetime.now(UTC))
        return accepted(await self.take(self._reader.enclosing(contact, files, uploads)))

    async def reply(self, taken: MessageIn, answer: Answer, origin: Origin) -> Response:
        """Accept a 31 or 33: 202."""
        return accepted(await self.take(self._reader.reply(taken, answer, origin, datetime.now(UTC))))

    async def take(self, contact: Contact) -> Receipt:
        """Store a contact; Problem 429 or 503 when there is no place for it, of what may be urgent the last."""
        if not is_urgent(contact):
            self._limits.admit_to(contact.origin.channel, time.monotonic())
        return await self._accept(contact)


def open_reception(service: Service, settings: Settings) -> Reader:
    """The reception of a service, its limits, and the group commit that runs beside; what reads for all channels."""
    pulse, most = service.health.pulse("group commit"), settings.most_waiting
    accept = GroupCommit(service.database, store, pulse=pulse, most_waiting=most, goes_first=is_urgent)
    reader, limits = Reader(settings, service.sealer), Limits.of(settings)
    service.app.state.limits, service.app.state.reception = limits, Reception(reader, accept, limits)
    service.run_beside("group commit", accept.run)
    return reader


def reception_of(request: Request) -> Reception:
    """The reception of the service that serves a request."""
    reception: Reception = request.app.state.reception
    return reception


async def origin_of(
    request: Request, channel: Channel, caller: Caller, *, call_id: str | None = None, account: str | None = None
) -> Origin:
    """Who sends, and under which `Idempotency-Key` it must count once; Problem 429 for who sends too much."""
    admit(request, caller, account)
    key = await key_of(request, caller.person)
    if key is None:
        return Origin(channel, caller, call_id=call_id, account=account)
    return Origin(channel, caller, key.key, key.body, call_id=call_id, account=account)


def admit(request: Request, caller: Caller, account: str | None) -> None:
    """Problem 429 for who sends too much."""
    citizen = caller.citizen or account
    limits_of(request).admit((caller.subject, citizen) if citizen else None, device_of(request), time.monotonic())


def accepted(receipt: Receipt) -> Response:
    """202: committed in our database."""
    headers = {"Idempotency-Replayed": "true"} if receipt.replayed else {}
    if receipt.code is not None:
        headers["Location"] = f"/v1/messages/{receipt.code}"
    return Response(orjson.dumps(receipt.document()), 202, headers, media_type="application/json")
