"""What a service is made of: settings → what it consumes → what it serves → what runs beside.

`Service` keeps the database, the relay, the consumer and the tasks together in one lifespan. A task that dies ends
the process, and whoever supervises it starts it anew: half a service is worse than none.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from common import errors, http, telemetry
from common import logging as json_logging
from common.auth import Authenticator
from common.consumer import Consumer, Handlers
from common.db import Database
from common.edge import Edge
from common.events import Stream
from common.health import Health
from common.partitions import keep_days
from common.relay import Relay
from common.sealed import Sealer
from common.settings import SealedSettings, ServiceSettings

log = logging.getLogger(__name__)
DRAIN_SECONDS = 10.0
LAST_SECONDS = 3.0
CANCEL_AGAIN = 12.0  # seconds; a consumer closes its clients in ten at most, and is not disturbed in it
Task = Callable[[], Awaitable[None]]


class Service:
    """One service of Pasokh. `app` is what uvicorn runs."""

    def __init__(self, name: str, settings: ServiceSettings, *, body_limits: Mapping[str, int] | None = None) -> None:
        self.name = name
        self.settings = settings
        self.health = Health()
        self.database = Database(settings.database, connections=settings.database_connections)
        self.authenticator = Authenticator(
            settings.auth_jwks, issuer=settings.auth_issuer, audience=settings.auth_audience
        )
        self._relay = Relay(name, self.database, settings.kafka, self.health.pulse("relay"))
        self._consumers: list[Consumer] = []
        self._last: list[Task] = []
        self._prepared = asyncio.Event()  # today's partitions exist
        self._tasks: dict[str, Task] = {"partitions": lambda: keep_days(self.database, self._prepared)}
        # Spans are opened by hand; FastAPI's own, and its metrics, come on top of every request.
        off: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
        self.app = Edge(
            body_limits=body_limits or {},
            title=f"Pasokh {name}",
            version="1.0.0",
            lifespan=self._lifespan,
            telemetry=off,
        )
        self.app.state.service = self
        self.app.state.authenticator = self.authenticator
        self.app.openapi = lambda: http.openapi(self.app)  # type: ignore[method-assign]  # FastAPI's own advice
        self.health.ready_checks.append(self._database_reason)
        errors.install(self.app)
        self.serve(_health)

    @cached_property
    def sealer(self) -> Sealer:
        """Seals and opens personal data, for services whose settings name the keys."""
        return Sealer.from_file(cast(SealedSettings, self.settings).seal_keys)

    def consume(self, stream: Stream, handlers: Handlers) -> None:
        """Read a stream: each event type to its handler, types in this order. Streams named earlier go first."""
        settings, pulse = self.settings, self.health.pulse(f"consumer of {stream}")
        consumer = Consumer(self.name, stream, handlers, database=self.database, pulse=pulse)
        consumer.goes_first = tuple(self._consumers)
        self.health.ready_checks.append(consumer.ready)
        self._consumers.append(consumer)

        async def consume() -> None:
            while not self._prepared.is_set():  # else the first records would be poison: no partition for them
                pulse.beat()
                await asyncio.sleep(0.1)
            await consumer.run(
                settings.kafka,
                batch=settings.batch,
                instance=settings.instance,
                dead_letter_limit=settings.dead_letter_limit,
            )

        self._tasks[pulse.name] = consume

    def serve(self, *routers: APIRouter) -> None:
        """Answer these routes."""
        for router in routers:
            self.app.add_routes(*router.routes)

    def run_beside(self, name: str, task: Task) -> None:
        """Keep a loop running for as long as the service does; it beats its own pulse."""
        self._tasks[name] = task

    def finish_with(self, task: Task) -> None:
        """Do this at the end, when no loop runs any more and the database is still there."""
        self._last.append(task)

    @asynccontextmanager
    async def _lifespan(self, app: Edge) -> AsyncIterator[None]:
        json_logging.configure(self.name, self.settings.log_level)
        telemetry.configure(self.name, otlp=self.settings.otlp, ratio=self.settings.trace_ratio)
        running = [asyncio.create_task(self._run(name, task), name=name) for name, task in self._tasks.items()]
        relaying = asyncio.create_task(self._run("relay", self._relay.run), name="relay")
        with contextlib.suppress(TimeoutError):  # without its database it serves all the same, with 503
            await asyncio.wait_for(self._prepared.wait(), 5)
        _quiet_the_collector()
        log.info("%s serves", self.name)
        yield
        await asyncio.gather(*(consumer.finish() for consumer in self._consumers))
        await end(*running)
        for task in self._last:
            with contextlib.suppress(Exception):  # what it leaves is found by a sweep
                await asyncio.wait_for(task(), LAST_SECONDS)
        await end(relaying)
        await self._relay.drain(DRAIN_SECONDS)
        await self.database.close()
        telemetry.flush()
        log.info("%s ended", self.name)

    async def _run(self, name: str, task: Task) -> None:
        try:
            await task()
        except Exception:
            log.critical("%s died; the process ends so that it is started anew", name, exc_info=True)
            self.app.state.failed = True
            os.kill(os.getpid(), signal.SIGTERM)

    async def _database_reason(self) -> str | None:
        try:
            async with asyncio.timeout(2), self.database.transaction() as tx:
                await tx.fetchval("SELECT 1")
        except Exception as error:
            if not errors.is_transient(error):
                raise
            return f"database: {error!r}"
        return None


def _quiet_the_collector() -> None:
    """What startup made stays; young garbage is looked at less often (p99 50 → 14 ms)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def end(*tasks: asyncio.Task[None], again: float = CANCEL_AGAIN) -> None:
    """Cancel until all have ended; aiokafka, and `wait_for` before Python 3.12, swallow a cancellation now and then."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again)
    await asyncio.gather(*tasks, return_exceptions=True)


def service_of(request: Request) -> Service:
    """The service that serves a request."""
    service: Service = request.app.state.service
    return service


async def _database_of(request: Request) -> Database:
    return service_of(request).database


DatabaseOf = Annotated[Database, Depends(_database_of)]
_health = APIRouter(tags=["health"])


@_health.get("/livez", include_in_schema=False)
async def livez(request: Request) -> Response:
    """Whether every loop of the process turns."""
    hung = service_of(request).health.hung()
    return http.json_answer({"hung": hung}, 503 if hung else 200)


@_health.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> Response:
    """Whether this service can do its own work; neighbours do not count."""
    reasons = await service_of(request).health.reasons()
    return http.json_answer({"reasons": reasons}, 503 if reasons else 200)


@_health.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
