"""Group commit: many requests share one transaction; each awaits its own future.

While one group commits the next one gathers, so the group is whatever is waiting and there is no timer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from common import telemetry
from common.db import Database, Transaction
from common.errors import Problem, is_transient, unavailable
from common.health import Pulse

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST_IN_GROUP = 500
COMMIT_SECONDS = 15.0
KEPT_FREE = 0.25  # places for what goes first, as a share of `most_waiting` on top of it


def _nothing(item: object) -> bool:
    """Nothing goes first."""
    return False


class GroupCommit(Generic[Item, Answer]):
    """Commits items in groups by `work`, which gives one answer (or Problem) for each, in order."""

    def __init__(
        self,
        database: Database,
        work: Callable[[Sequence[Item], Transaction], Awaitable[Sequence[Answer | Problem]]],
        *,
        pulse: Pulse,
        most_waiting: int,
        goes_first: Callable[[Item], bool] = _nothing,
    ) -> None:
        self._database = database
        self._work = work
        self._pulse = pulse
        self._most_waiting = most_waiting
        self._goes_first = goes_first
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._wake = asyncio.Event()

    async def __call__(self, item: Item) -> Answer:
        """Wait until the item is committed; Problem 503 when too many wait already or the database is away."""
        if len(self._waiting) >= self._most_waiting and not self._has_place(item):
            telemetry.OVERLOADED.add(1)
            raise unavailable("Too many requests wait to be stored; send the same request again.")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._wake.set()
        return await future

    def _has_place(self, item: Item) -> bool:
        """Past the limit, what goes first has places of its own: no flood of the others takes them."""
        return len(self._waiting) < self._most_waiting * (1 + KEPT_FREE) and self._goes_first(item)

    async def run(self) -> None:
        """Commit groups until cancelled."""
        while True:
            self._pulse.beat()
            try:
                async with asyncio.timeout(10):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()
            while self._waiting:
                await self._commit_next()

    async def _commit_next(self) -> None:
        self._pulse.beat()
        group, self._waiting = self._waiting[:MOST_IN_GROUP], self._waiting[MOST_IN_GROUP:]
        telemetry.GROUP_SIZE.record(len(group))
        error = await self._commit(group)
        if error is None:
            return
        if is_transient(error):
            _fail(group, error)
            return
        # Someone's data broke the group: the one gets its error, the others their answer. One alone is tried again too:
        # what another replica stored meanwhile under the same key is seen the second time.
        for one in group:
            if (error := await self._commit([one])) is not None:
                _fail([one], error)

    async def _commit(self, group: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> Exception | None:
        try:
            async with asyncio.timeout(COMMIT_SECONDS), self._database.transaction() as tx:
                answers = await self._work([item for item, _ in group], tx)
        except Exception as error:
            return error
        for (_, future), answer in zip(group, answers, strict=True):
            if future.done():  # the caller went away; it is stored all the same
                continue
            if isinstance(answer, Problem):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        return None


def _fail(group: Sequence[tuple[Item, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(unavailable() if is_transient(error) else error)
