"""Listening to an Asterisk exchange: one replica at a time, what it says in batches, reconciled after every silence."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
from common.db import Database
from common.errors import is_transient
from common.health import Pulse
from common.sealed import Sealer

from intake.channels.phone.agents import record_agents
from intake.channels.phone.ami import AmiConnection, Block
from intake.channels.phone.ami_events import Fact, Listener
from intake.channels.phone.calls import in_time, record_calls
from intake.channels.phone.reconcile import Inventory, begin_inventory, settle
from intake.channels.phone.schemas import AgentEventIn, CallEventIn

log = logging.getLogger(__name__)
LOCK = 7203011  # of pg_advisory_lock: one replica listens
BATCH = 2000  # facts in a transaction
MOST_WAITING = 20_000  # facts in memory; beyond, we stop reading and the exchange holds them
LONGEST_PAUSE = 30.0  # seconds between attempts


@dataclass(frozen=True, slots=True)
class Login:
    """Where the exchange is, and who we are to it."""

    address: str  # host:port
    user: str
    secret: str
    reconcile_seconds: float = 300.0


class Exchange:
    """Keeps listening for as long as the service runs; what cannot be stored yet is kept and tried again."""

    def __init__(self, login: Login, database: Database, sealer: Sealer, pulse: Pulse) -> None:
        self._login = login
        self._database = database
        self._sealer = sealer
        self._pulse = pulse
        self._waiting: list[Fact | Inventory] = []
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.connected = False

    async def run(self) -> None:
        """Listen until cancelled."""
        pause = 0.5
        while True:
            self._pulse.beat()
            started = asyncio.get_running_loop().time()
            try:
                await self._listen_alone()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("the exchange at %s is not heard: %r", self._login.address, error)
            self.connected = False
            lasted = asyncio.get_running_loop().time() - started
            pause = 0.5 if lasted > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1))

    async def flush(self) -> None:
        """Store what still waits; the last thing before the service ends."""
        while self._waiting:
            await self._store_next()

    async def _listen_alone(self) -> None:
        lock = await asyncpg.connect(self._database.address, timeout=5, command_timeout=10)
        try:
            while not await lock.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                self._pulse.beat()
                await asyncio.sleep(1)
            await self._listen(lock)
        finally:
            lock.terminate()

    async def _listen(self, lock: "asyncpg.Connection[asyncpg.Record]") -> None:
        await self.flush()  # what the last connection said; else who joined in it would not be compared
        login = self._login
        connection = await AmiConnection.open(login.address, user=login.user, secret=login.secret)
        self.connected = True
        log.info("listening to the exchange at %s", login.address)
        hear = _Hearing(self, connection, login.reconcile_seconds)
        try:
            await _together(hear.blocks(), hear.inventories(), connection.ping(), self._store(lock))
        finally:
            connection.close()

    async def begin_inventory(self) -> Inventory:
        """What we know now, to compare with what the exchange will list."""
        async with self._database.transaction() as tx:
            return await begin_inventory(tx, datetime.now(UTC))

    async def take(self, facts: Sequence[Fact | Inventory]) -> None:
        """Keep what was heard until it is stored; waits when too much is kept."""
        if not facts:
            return
        self._waiting.extend(facts)
        self._wake.set()
        if len(self._waiting) >= MOST_WAITING:
            self._room.clear()
            await self._room.wait()

    async def _store(self, lock: "asyncpg.Connection[asyncpg.Record]") -> None:
        while True:
            self._pulse.beat()
            if lock.is_closed():
                raise ConnectionError("the lock of the exchange is gone")
            while self._waiting:
                await self._store_next()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await self._wake.wait()

    async def _store_next(self) -> None:
        self._pulse.beat()
        batch = self._waiting[:BATCH]
        try:
            await self._commit(batch)
        except Exception as error:
            if is_transient(error):
                log.warning("what the exchange said waits: %r", error)
                await asyncio.sleep(0.5)
                return
            await self._commit_each(batch)
        del self._waiting[: len(batch)]
        if len(self._waiting) < MOST_WAITING:
            self._room.set()

    async def _commit_each(self, batch: Sequence[Fact | Inventory]) -> None:
        """One fact breaks the batch; the others are stored without it."""
        for fact in batch:
            try:
                await self._commit([fact])
            except Exception as error:
                if is_transient(error):
                    raise
                log.error("something that the exchange said cannot be stored, and is left out", exc_info=True)

    async def _commit(self, batch: Sequence[Fact | Inventory]) -> None:
        now = datetime.now(UTC)
        calls = [fact for fact in batch if isinstance(fact, CallEventIn)]
        agents = [in_time(fact, now) for fact in batch if isinstance(fact, AgentEventIn)]
        async with self._database.transaction() as tx:
            await record_calls(calls, tx, now=now, sealer=self._sealer)
            await record_agents(agents, tx)
            for inventory in (fact for fact in batch if isinstance(fact, Inventory)):
                if lost := await settle(inventory, tx, now=now, sealer=self._sealer):
                    log.warning("%d calls are lost: the exchange no longer knows them", lost)


class _Hearing:
    """What is heard on one connection: events as they come, and a list of the queues now and then."""

    def __init__(self, exchange: Exchange, connection: AmiConnection, every: float) -> None:
        self._exchange = exchange
        self._connection = connection
        self._every = every  # seconds
        self._listener = Listener()
        self._inventory: Inventory | None = None
        self._action_id = ""

    async def blocks(self) -> None:
        """Translate what comes."""
        while True:
            block = await self._connection.read()
            now = datetime.now(UTC)
            await self._exchange.take(self._listener.facts(block, now))
            if self._inventory is not None and block.get("ActionID") == self._action_id:
                await self._exchange.take(self._listed(self._inventory, block, now))

    async def inventories(self) -> None:
        """Ask for the list at the start, and again every few minutes: an event may have been missed."""
        while True:
            inventory = await self._exchange.begin_inventory()
            for call in inventory.calls:
                self._listener.remember(call.call_id, call.queue, call.leg)
            self._inventory = inventory
            self._action_id = await self._connection.ask("QueueStatus")
            await asyncio.sleep(self._every)

    def _listed(self, inventory: Inventory, block: Block, now: datetime) -> list[Fact | Inventory]:
        inventory.note(block)
        if block.get("Event") != "QueueStatusComplete":
            return []
        self._inventory = None
        facts: list[Fact | Inventory] = [*inventory.facts(self._listener, now), inventory]
        return facts


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run the parts until one fails; then end the others and raise its error."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
