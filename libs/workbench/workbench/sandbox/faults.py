"""Faults that a test or a curious developer asks for."""

import asyncio

from pydantic import BaseModel, Field


class Refusal(Exception):
    """An answer with Kavenegar's error number."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Faults(BaseModel):
    """What goes wrong until it is told otherwise; `calls` bounds it to that many calls."""

    status: int | None = Field(default=None, description="answer every call so: 409, 500, 418 …")
    slow_seconds: float = Field(default=0, description="wait before doing anything")
    slow_answer_seconds: float = Field(default=0, description="do it, then wait before answering")
    calls: int | None = Field(default=None, description="how many calls are hit; null: until cleared")
    loses_receipts: bool = False
    bad_receptors: list[str] = []

    async def before(self, method: str) -> None:
        """Before a call does anything."""
        if not self._hits(method):
            return
        await asyncio.sleep(self.slow_seconds)
        if self.status is not None:
            raise Refusal(self.status)

    async def after(self, method: str) -> None:
        """After it was done, before it is answered: the sender cannot know whether it was."""
        if self.slow_answer_seconds and method.startswith("send"):
            await asyncio.sleep(self.slow_answer_seconds)

    def _hits(self, method: str) -> bool:
        if not method.startswith("send"):
            return False
        if self.calls is None:
            return True
        self.calls -= 1
        if self.calls < 0:
            self.status, self.slow_seconds, self.slow_answer_seconds = None, 0, 0
        return self.calls >= 0
