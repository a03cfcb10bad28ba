"""What was accepted against what became of it: nothing lost, nothing twice. Read from the services' own tables."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from workbench.home import SANDBOX
from workbench.system import Workbench

# One of these is the first that a citizen hears of a code.
FIRST_TOLD = "('registered', 'joined', 'out_of_scope', 'thanked')"


@dataclass(frozen=True)
class Balance:
    """How many codes arrived at each station, how many are missing there, and what happened twice."""

    accepted: int
    routed: int
    told: int
    reported: int
    lost: int
    twice: int

    @property
    def good(self) -> bool:
        """Whether everything arrived everywhere, once."""
        return self.lost == 0 and self.twice == 0 and self.accepted == self.routed == self.told == self.reported

    def line(self) -> str:
        """For people."""
        return (
            f"accepted {self.accepted} = routed {self.routed} = told {self.told} = reported {self.reported}, "
            f"{self.lost} lost, {self.twice} twice"
        )


async def balance(bench: Workbench, codes: Iterable[str]) -> Balance:
    """Where the messages with these codes are now."""
    accepted = Counter(codes)
    wanted = list(accepted)
    stored = await _codes(bench, "intake", "SELECT code FROM messages WHERE code = ANY($1)", wanted)
    routed = await _codes(bench, "routing", "SELECT code FROM cases WHERE code = ANY($1)", wanted)
    reported = await _codes(bench, "reporting", "SELECT code FROM case_facts WHERE code = ANY($1)", wanted)
    sent = f"SELECT code FROM notification_facts WHERE told IN {FIRST_TOLD} AND sent_at IS NOT NULL AND code = ANY($1)"
    noted = await _codes(bench, "reporting", sent, wanted)
    told = await _told(bench, set(wanted))
    stations = (stored, routed, reported, noted, told)
    lost = sum(len(accepted.keys() - station.keys()) for station in stations)
    twice = sum(count - 1 for station in (*stations, accepted) for count in station.values())
    return Balance(len(accepted), len(routed), len(told), len(reported.keys() & noted.keys()), lost, twice)


async def answers_sent(bench: Workbench, codes: list[str]) -> int:
    """How many of these were told what came of them."""
    query = """SELECT DISTINCT code FROM delivery_states
               WHERE told IN ('done', 'no_action') AND sent_at IS NOT NULL AND code = ANY($1)"""
    return len(await _codes(bench, "notify", query, codes))


async def topics_of(bench: Workbench, codes: list[str]) -> dict[str, str | None]:
    """The topic of each case, None where a person is to choose it."""
    connection = await asyncpg.connect(bench.postgres.dsn("routing"))
    try:
        rows = await connection.fetch("SELECT code, topic FROM cases WHERE code = ANY($1)", codes)
        return {row["code"]: row["topic"] for row in rows}
    finally:
        await connection.close()


async def settle(bench: Workbench, codes: Iterable[str], seconds: float = 120) -> Balance:
    """Wait until everything has arrived, or the time is over."""
    wanted = list(codes)
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            found = await balance(bench, wanted)
            if found.good or asyncio.get_running_loop().time() > until:
                return found
        except (OSError, asyncpg.PostgresError, httpx.HTTPError):
            if asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(0.5)


async def orphans(bench: Workbench) -> int:
    """Cases without a message, which would be messages made up."""
    routed = await _codes(bench, "routing", "SELECT code FROM cases WHERE $1::text[] IS NOT NULL", [])
    stored = await _codes(bench, "intake", "SELECT code FROM messages WHERE $1::text[] IS NOT NULL", [])
    return len(routed.keys() - stored.keys())


async def _codes(bench: Workbench, service: str, query: str, codes: list[str]) -> Counter[str]:
    connection = await asyncpg.connect(bench.postgres.dsn(service))
    try:
        return Counter(row[0] for row in await connection.fetch(query, codes))
    finally:
        await connection.close()


async def _told(bench: Workbench, codes: set[str]) -> Counter[str]:
    """What citizens got first of each code, by what the sandbox delivered: SMS by our localid, the rest by its words.

    A messenger has no id of ours, so that a second copy after a lost answer is no fault: there a code counts once,
    and not at all where an SMS took its place.
    """
    connection = await asyncpg.connect(bench.postgres.dsn("notify"))
    try:
        rows = await connection.fetch(f"SELECT localid, code, text FROM deliveries WHERE told IN {FIRST_TOLD}")
    finally:
        await connection.close()
    by_localid = {str(row["localid"]): row["code"] for row in rows}
    by_words = {row["text"]: row["code"] for row in rows}
    found: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=bench.url(SANDBOX), timeout=30) as client:
        async for sms in _pages(client, "/ledger"):
            found.update(code for code in (by_localid.get(sms["localid"]),) if code in codes)
        chats = [(told["platform"], by_words.get(told["text"])) async for told in _pages(client, "/chats")]
    found.update(code for platform, code in chats if platform == "push" and code in codes)
    found.update({code for platform, code in chats if platform != "push" and code in codes} - found.keys())
    return found


async def _pages(client: httpx.AsyncClient, path: str) -> AsyncIterator[dict[str, Any]]:
    after = 0
    while page := (await client.get(path, params={"after": after})).json():
        after += len(page)
        for one in page:
            yield one
