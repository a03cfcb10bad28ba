"""What reached citizens on messengers and in the app: one line of JSON each, appended; faults for each platform."""

import asyncio
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, Field

from workbench.sandbox.lines import whole_lines

Wrong = Literal["blocked", "limited", "failing", "window", "gone"]


@dataclass(frozen=True, slots=True)
class Told:
    """One message in a chat, or one push to the app: what `to` saw, and the button beside it."""

    platform: str
    to: str
    text: str
    number: int  # from 1
    sent_at: float
    button: str | None = None
    id: str | None = None  # the webhook's, which the app takes once
    code: str | None = None  # of a push


class ChatFaults(BaseModel):
    """What goes wrong with one platform until it is told otherwise; `calls` bounds it to that many calls."""

    answer: Wrong | None = Field(default=None, description="how every call is answered")
    retry_after: int = Field(default=1, description="seconds, where it is `limited`")
    slow_seconds: float = Field(default=0, description="wait before doing anything")
    slow_answer_seconds: float = Field(default=0, description="do it, then wait before answering")
    calls: int | None = Field(default=None, description="how many calls are hit; null: until cleared")
    chats: list[str] = Field(default=[], description="only these; empty: all")

    def hit(self, chat: str) -> "ChatFaults":
        """What is wrong for this call."""
        if self.chats and chat not in self.chats:
            return _WELL
        if self.calls is None:
            return self
        if self.calls <= 0:
            return _WELL
        self.calls -= 1
        return self


_WELL = ChatFaults()


class Chats:
    """Append-only on disk, listed in memory."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.told: list[Told] = []
        self.asked: dict[str, int] = {}  # calls by platform, refused ones too
        self.faults: dict[str, ChatFaults] = {}
        self._pushed: set[str] = set()
        for line in whole_lines(path):
            self._remember(Told(**orjson.loads(line)))
        self._file = path.open("ab", buffering=0)

    async def call(self, platform: str, chat: str) -> ChatFaults:
        """A call begins: what goes wrong with it, after it was slow."""
        self.asked[platform] = self.asked.get(platform, 0) + 1
        wrong = self.faults.get(platform, _WELL).hit(chat)
        await asyncio.sleep(wrong.slow_seconds)
        return wrong

    def tell(self, platform: str, to: str, text: str, *, button: str | None = None) -> Told:
        """A message arrives; there is no id of the sender's that would keep a second copy out."""
        told = Told(platform, to, text, len(self.told) + 1, time.time(), button)
        self._keep(told)
        return told

    def push(self, to: str, text: str, *, message_id: str, code: str | None) -> None:
        """A push arrives; the same id counts once."""
        if message_id not in self._pushed:
            self._keep(Told("push", to, text, len(self.told) + 1, time.time(), id=message_id, code=code))

    def of(self, platform: str) -> list[Told]:
        """What came by one platform, in order."""
        return [one for one in self.told if one.platform == platform]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _keep(self, told: Told) -> None:
        self._remember(told)
        self._file.write(orjson.dumps(asdict(told)) + b"\n")

    def _remember(self, told: Told) -> None:
        self.told.append(told)
        if told.id is not None:
            self._pushed.add(told.id)
