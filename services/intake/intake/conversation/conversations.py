"""What citizens say on messengers, stored at once and answered through notify."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from common import telemetry
from common.app import Service
from common.db import Database
from common.errors import is_transient
from common.group_commit import GroupCommit
from common.health import Pulse
from common.signs import may_be_urgent
from fastapi import Request

from intake import inspection
from intake.contact import Reader
from intake.conversation.draft import Question
from intake.conversation.heard import Heard
from intake.conversation.machine import Manners
from intake.conversation.storing import MOST_DUE, Brought, Storing
from intake.settings import Settings

log = logging.getLogger(__name__)
EVERY = 5.0  # seconds
KEEP = timedelta(days=30)  # after the citizen last wrote; a photo is late by an hour, some platforms' window is a day
FORGET = """
DELETE FROM conversations WHERE key IN (
    SELECT key FROM conversations WHERE heard_at < $1 AND due_at IS NULL LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


class Conversations:
    """Hears what a webhook brought; all webhooks share one group commit."""

    def __init__(self, database: Database, storing: Storing, commit: GroupCommit[Brought, None]) -> None:
        self._database = database
        self._storing = storing
        self._commit = commit

    async def hear(self, heard: Sequence[Heard]) -> None:
        """Return when all of it is committed, what came before counted once; Problem 503 on overload."""
        if heard:
            await self._commit(Brought(heard, telemetry.traceparent()))

    async def run(self) -> None:
        """Commit what is heard, until cancelled."""
        await self._commit.run()

    async def accept_due(self, now: datetime) -> int:
        """Accept what is due at a moment, at most two hundred, and forget what ended long ago; how many were due."""
        try:
            async with self._database.transaction() as tx:
                found = await self._storing.accept_due(tx, now)
                await tx.execute(FORGET, now - KEEP)
            return found
        except Exception as error:
            if is_transient(error):
                raise
        return await self._accept_each(now)

    async def _accept_each(self, now: datetime) -> int:
        """One by one, for one of them cannot be stored: it waits, and the others do not wait for it."""
        for done in range(MOST_DUE):
            try:
                async with self._database.transaction() as tx:
                    if not await self._storing.accept_due(tx, now, most=1):
                        return done
            except Exception as error:
                if is_transient(error):
                    raise
                log.error("what a conversation says cannot be stored, and waits: %s", type(error).__name__)
                async with self._database.transaction() as tx:
                    await self._storing.postpone_due(tx, now)
        return MOST_DUE

    async def keep_accepting(self, pulse: Pulse) -> None:
        """Accept what falls due for as long as the service runs; a restart finds what fell due meanwhile."""
        while True:
            pulse.beat()
            try:
                if await self.accept_due(datetime.now(UTC)) < MOST_DUE:
                    await asyncio.sleep(EVERY)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(1)


def conversations_of(request: Request) -> Conversations:
    """The conversations of the service that serves a request."""
    conversations: Conversations = request.app.state.conversations
    return conversations


def manners_of(settings: Settings) -> Manners:
    """How we talk, by the settings."""
    return Manners(
        questions=tuple(q for q in Question if q is not Question.PHOTO or settings.conversation_photo),
        wait=timedelta(minutes=settings.conversation_minutes),
        urgent_wait=timedelta(seconds=settings.conversation_urgent_seconds),
    )


def converse(service: Service, reader: Reader, settings: Settings) -> None:
    """Let a service hear citizens, and look after what they were asked and after what nobody could read."""
    storing = Storing(reader, manners_of(settings), settings.several_accounts)
    pulse, due, old = (service.health.pulse(name) for name in ("conversations", "open questions", "inspections"))
    commit = GroupCommit(
        service.database, storing.store, pulse=pulse, most_waiting=settings.most_waiting, goes_first=_urgent
    )
    conversations = Conversations(service.database, storing, commit)
    service.app.state.conversations = conversations
    service.run_beside("conversations", conversations.run)
    service.run_beside("open questions", lambda: conversations.keep_accepting(due))
    service.run_beside("inspections", lambda: inspection.forget_old(service.database, old))


def _urgent(brought: Brought) -> bool:
    return any(one.text is not None and may_be_urgent(one.text, None) for one in brought.heard)
