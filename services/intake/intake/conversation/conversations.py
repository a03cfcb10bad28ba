"""What citizens say on messengers, stored at once and answered through notify."""

from collections.abc import Sequence

from common.group_commit import GroupCommit
from fastapi import Request

from intake.conversation.heard import Heard


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
