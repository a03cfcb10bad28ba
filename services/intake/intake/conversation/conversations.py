"""What citizens say on messengers, stored at once and answered through notify."""

from collections.abc import Sequence
from datetime import timedelta

from common.app import Service
from common.group_commit import GroupCommit
from fastapi import Request

from intake import inspection
from intake.contact import Reader
from intake.conversation.draft import Question
from intake.conversation.due import accept_due
from intake.conversation.heard import Heard
from intake.conversation.machine import Manners
from intake.conversation.storing import Storing
from intake.conversation.talk import NoteFiles, no_files
from intake.settings import Settings


class Conversations:
    """Hears what a webhook brought; all webhooks share one group commit."""

    def __init__(self, commit: GroupCommit[Sequence[Heard], None]) -> None:
        self._commit = commit

    async def hear(self, heard: Sequence[Heard]) -> None:
        """Return when all of it is committed, what came before counted once; Problem 503 on overload."""
        if heard:
            await self._commit(heard)


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


def converse(service: Service, reader: Reader, settings: Settings, *, note_files: NoteFiles = no_files) -> None:
    """Let a service hear citizens, and look after what they were asked and after what nobody could read."""
    storing = Storing(reader, manners_of(settings), note_files)
    pulse, due, old = (service.health.pulse(name) for name in ("conversations", "open questions", "inspections"))
    commit = GroupCommit(service.database, storing.store, pulse=pulse, most_waiting=settings.most_waiting)
    service.app.state.conversations = Conversations(commit)
    service.run_beside("conversations", commit.run)
    service.run_beside("open questions", lambda: accept_due(service.database, storing, due))
    service.run_beside("inspections", lambda: inspection.forget_old(service.database, old))
