"""The queues as server-sent events: one query a second for all who listen, none when nobody does.

Wire format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import orjson
from common.db import Database
from common.errors import is_transient, unavailable
from common.health import Health
from starlette.responses import StreamingResponse

from intake.channels.phone.queue_state import QueueState, queue_states

LOOK_EVERY = 1.0  # seconds
HEARTBEAT = 15.0  # seconds; proxies close what is silent for longer, mostly after 30 or 60
RETRY_MS = 2000
MOST_LISTENERS = 500


class QueueWatch:
    """Looks at the queues while someone listens, and tells every listener what changed."""

    def __init__(self, database: Database, health: Health) -> None:
        self._database = database
        self._health = health
        self._pulse = health.pulse("queue watch")
        self._number = 0
        self._shown = b""
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._listeners = 0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._pulse.beat()
            try:
                async with asyncio.timeout(10):
                    await self._wanted.wait()
                await self._look()
            except TimeoutError:
                continue
            except Exception as error:
                if not is_transient(error):
                    raise
            await asyncio.sleep(LOOK_EVERY)

    def response(self) -> StreamingResponse:
        """A stream for one more listener; Problem 503 when there are too many."""
        if self._listeners >= MOST_LISTENERS:
            raise unavailable("Too many listen already; ask `GET /v1/phone/queues` instead.")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self.events(), media_type="text/event-stream", headers=headers)

    async def events(self) -> AsyncGenerator[bytes, None]:
        """What one listener is sent; it ends when the service stops."""
        self._listeners += 1
        self._wanted.set()
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            seen, spoke = 0, time.monotonic()
            while not self._health.stopping:
                if self._shown and self._number > seen:
                    seen, spoke = self._number, time.monotonic()
                    yield b"id: %d\nevent: queues\ndata: %s\n\n" % (seen, self._shown)
                elif time.monotonic() - spoke > HEARTBEAT:
                    spoke = time.monotonic()
                    yield b": still here\n\n"
                await self._change()
        finally:
            self._listeners -= 1
            if not self._listeners:
                self._wanted.clear()
                self._shown = b""  # nobody looks from now on, and the next to listen is not told of long ago

    async def _look(self) -> None:
        async with self._database.transaction() as tx:
            states = await queue_states(tx, datetime.now(UTC))
        if not self._listeners:
            return  # the last one left meanwhile
        shown = orjson.dumps([queue_out(state) for state in states])
        if shown != self._shown or not self._number:
            self._shown, self._number = shown, self._number + 1
            self._changed.set()
            self._changed = asyncio.Event()

    async def _change(self) -> None:
        """Wait for a change, but not for long: the service may stop."""
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._changed.wait()
        except TimeoutError:
            return


def queue_out(state: QueueState) -> dict[str, Any]:
    """A queue as it is told; seconds to the tenth."""
    waits = [call.waited_seconds for call in state.handled if call.waited_seconds is not None]
    services = [call.service_seconds for call in state.handled]
    return {
        "queue": state.queue,
        "waiting": state.waiting,
        "longest_wait_seconds": round(state.longest_wait_seconds, 1),
        "agents": {agent.value: count for agent, count in state.agents.items()},
        "at_work": state.at_work,
        "handled": len(state.handled),
        "mean_service_seconds": round(fmean(services), 1) if services else None,
        "mean_wait_seconds": round(fmean(waits), 1) if waits else None,
    }
