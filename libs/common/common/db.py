"""The database of a service: one way to commit, which also hands the events it made to the relay.

asyncpg under SQLAlchemy: `tx.insert` and `tx.fetch` go straight to asyncpg, for bulk; `tx.session` is the ORM, for
the rest. Both are one transaction on one connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from sqlalchemy import Table, make_url
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from common import outbox, telemetry
from common.errors import Stray
from common.events import Event
from common.outbox import Driver as Driver
from common.outbox import Parcel

Row = Mapping[str, Any]


# After these nobody knows what the connection was doing.
_BREAKS = (asyncio.CancelledError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Handover(Protocol):
    """Who publishes what was committed: the relay."""

    leading: bool

    def hand(self, committed: Parcel) -> None:
        """Take events that were just committed."""


class Transaction:
    """Rows and events that become true together."""

    def __init__(self, connection: AsyncConnection, driver: Driver) -> None:
        self._connection = connection
        self._session: AsyncSession | None = None
        self._events: list[Event] = []
        self._traceparents: list[str | None] = []
        self._causes: Mapping[str, str] = {}
        self.driver = driver
        self._afterwards: list[Callable[[], None]] = []
        self.strays: dict[UUID, Stray] = {}  # by the event's id

    @property
    def session(self) -> AsyncSession:
        """The ORM on this transaction; flushed before the commit."""
        if self._session is None:
            self._session = AsyncSession(self._connection, expire_on_commit=False)
        return self._session

    def add(self, *rows: object) -> None:
        """Store new rows through the ORM."""
        self.session.add_all(rows)

    def publish(self, *events: Event, because: Event | None = None) -> None:
        """Let events go out when this commits. Their trace is that of `because`, of what came under the same
        key, or of the request."""
        cause = because.traceparent if because else None
        current = None if self._causes else telemetry.traceparent()
        self._events.extend(events)
        self._traceparents.extend(
            event.traceparent or cause or self._causes.get(event.key, current) for event in events
        )

    def set_aside(self, event: Event, why: Stray) -> None:
        """A handler has done nothing for this event and never will: a dead letter, while the batch goes on."""
        self.strays[event.id] = why

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do this in memory once it is committed, and not at all when it is not."""
        self._afterwards.append(act)

    def committed(self) -> None:
        """It is: do what was to be done then."""
        for act in self._afterwards:
            act()

    def caused_by(self, events: Sequence[Event]) -> None:
        """Events published under the key of one of these belong to its trace."""
        self._causes = {event.key: event.traceparent for event in events if event.traceparent}

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement; PostgreSQL's status line."""
        return await self.driver.execute(query, *arguments)

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """All rows of a query."""
        return await self.driver.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: object) -> asyncpg.Record | None:
        """The first row of a query."""
        return await self.driver.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """The first value of the first row."""
        return await self.driver.fetchval(query, *arguments)

    async def insert(self, table: Table, rows: Sequence[Row], *, then: str = "") -> list[asyncpg.Record]:
        """Many rows in one statement; `then` is `ON CONFLICT …` or `RETURNING …`. All rows have the same keys;
        JSONB values are given as text (and come back parsed)."""
        if not rows:
            return []
        names = tuple(rows[0])
        columns = ([row[name] for row in rows] for name in names)
        return await self.driver.fetch(f"{_insert_statement(table, names)} {then}", *columns)

    async def finish(self) -> Parcel | None:
        """Flush the ORM and store the events; the last thing before the commit."""
        if self._session is not None:
            await self._session.flush()
        if not self._events:
            return None
        return await outbox.store(self.driver, self._events, self._traceparents)


@lru_cache(maxsize=256)
def _insert_statement(table: Table, names: tuple[str, ...]) -> str:
    dialect = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves this one untyped
    arrays = (f"${n}::{table.c[name].type.compile(dialect)}[]" for n, name in enumerate(names, 1))
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({', '.join(arrays)})"


class Database:
    """A pool of connections, and the only place that commits."""

    def __init__(self, address: str, *, connections: int = 8) -> None:
        url = make_url(address).set(drivername="postgresql+asyncpg")
        self.address = address
        self.relay: Handover | None = None
        # SQLAlchemy leaves BEGIN and COMMIT to us, so that raw asyncpg and the ORM share one transaction.
        self._engine: AsyncEngine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # an error's text goes into logs and dead letters
            pool_size=connections,
            max_overflow=0,
            pool_timeout=10,
            pool_reset_on_return=None,  # there is never a transaction left to roll back
            connect_args={"timeout": 5, "command_timeout": 60, "server_settings": {"jit": "off"}},
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit what the block did, events included, or nothing of it; then hand the events to the relay."""
        async with self._engine.connect() as connection:
            driver = await _living(connection)
            try:
                async with driver.transaction():
                    tx = Transaction(connection, driver)
                    yield tx
                    committed = await tx.finish()
                    if committed is not None and self.relay is not None and not self.relay.leading:
                        await outbox.notify(driver, committed)
            except _BREAKS:
                driver.terminate()  # a statement may be under way; the pool replaces what is closed
                raise
        if committed is not None and self.relay is not None:
            self.relay.hand(committed)
        tx.committed()

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def _living(connection: AsyncConnection) -> Driver:
    """The asyncpg connection underneath; a pooled one that died with the server is replaced first."""
    driver: Driver | None = (await connection.get_raw_connection()).driver_connection
    if driver is None or driver.is_closed():
        await connection.invalidate()
        driver = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise ConnectionError("no connection to PostgreSQL")
    return driver
