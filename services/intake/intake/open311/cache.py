"""What was made a moment ago is given again; many who ask for the same at once wait for one making."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from common.errors import Problem, is_transient

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
MOST = 128  # answers that are kept; 600 KB is a long one


@dataclass
class Cache(Generic[Key, Value]):
    """Answers by question: fresh for `seconds`, and for `stale` more where no new one can be made."""

    seconds: float
    stale: float = 600.0
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Key, tuple[float, Value]] = field(default_factory=OrderedDict)
    _making: dict[Key, asyncio.Task[Value]] = field(default_factory=dict)

    async def get(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        """The answer; the error of its making where there is none to be had."""
        kept = self._kept.get(key)
        age = self.clock() - kept[0] if kept else float("inf")
        if kept and age < self.seconds:
            return kept[1]
        try:
            return await asyncio.shield(self._made(key, make))
        except Exception as error:
            if kept is None or age >= self.seconds + self.stale or not _passes(error):
                raise
            return kept[1]

    def _made(self, key: Key, make: Callable[[], Awaitable[Value]]) -> asyncio.Task[Value]:
        if key not in self._making:
            task = asyncio.create_task(self._make(key, make))
            task.add_done_callback(_retrieve)
            self._making[key] = task
        return self._making[key]

    async def _make(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        try:
            value = await make()
        finally:
            del self._making[key]
        self._kept[key] = (self.clock(), value)
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return value


def _passes(error: Exception) -> bool:
    return error.status >= 500 if isinstance(error, Problem) else is_transient(error)


def _retrieve(task: asyncio.Task[Value]) -> None:
    """All who waited may have left; then nobody else looks at its error."""
    if not task.cancelled():
        task.exception()
