"""What was accepted against what became of it: nothing lost, nothing twice. Read from the services' own tables."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

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
    sms = await _sms(bench, set(wanted))
    stations = (stored, routed, reported, noted, sms)
    lost = sum(len(accepted.keys() - station.keys()) for station in stations)
    twice = sum(count - 1 for station in (*stations, accepted) for count in station.values())
    return Balance(len(accepted), len(routed), len(sms), len(reported.keys() & noted.keys()), lost, twice)


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


async def _sms(bench: Workbench, codes: set[str]) -> Counter[str]:
    """The first SMS of each code in the provider's own ledger, by code; found by our localid."""
    connection = await asyncpg.connect(bench.postgres.dsn("notify"))
    try:
        rows = await connection.fetch(f"SELECT localid, code FROM deliveries WHERE told IN {FIRST_TOLD}")
    finally:
        await connection.close()
    code_of = {str(row["localid"]): row["code"] for row in rows}
    found: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=bench.url(SANDBOX), timeout=30) as client:
        after = 0
        while page := (await client.get("/ledger", params={"after": after})).json():
            after += len(page)
            found.update(code for sms in page if (code := code_of.get(sms["localid"])) in codes)
    return found
