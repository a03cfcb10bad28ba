"""The search for duplicates among 100,000 open cases that no message has been joined to: the worst there can be."""

import asyncio
import gc
import math
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from common.codes import new_code
from common.db import Database
from common.events import Kind
from common.folding import fold
from routing.cells import EAST, M_PER_DEGREE
from routing.duplicates import Candidate, Reaches, judge_batch, load_reaches
from routing.matters import Matter, agreement
from routing.near import find_near, remember_open
from workbench.postgres import Postgres

from tests.builders import NOW, a_database

OPEN = 100_000
BATCH = 200
ROUNDS = 15
CENTRE = (35.7219, 51.3347)
# (topic, metres around the centre): the city, a nahiye of some 2 km², then all of them within 300, 30 and 0 m
CLUSTERS = (
    ("TC-POTHOLE", 12_000),
    ("TC-POTHOLE", 800),
    ("US-FLOOD-STREET", 800),
    ("TC-POTHOLE", 300),
    ("US-FLOOD-STREET", 300),
    ("TC-POTHOLE", 30),
    ("TC-POTHOLE", 0),
)
TEXTS = (
    "چاله بزرگی وسط خیابان است و ماشین‌ها پنچر می‌شوند",
    "آب باران جمع شده و جوی لبریز است، عابران نمی‌توانند رد شوند",
    "لطفا رسیدگی کنید، سه بار زنگ زدیم و کسی نیامد",
)


async def duplicate_search(database: Database) -> dict[str, Any]:
    """ms a message in batches of 200, by cluster: of the statement with its rows read, and of the verdicts."""
    clusters = {f"{topic}, {radius} m": await _cluster(database, topic, radius) for topic, radius in CLUSTERS}
    return clusters | {"texts": _texts()}


def _texts() -> dict[str, float]:
    """µs to make the matter of a folded text, and to compare two."""
    folded, rounds = [fold(text) for text in TEXTS], 2000
    started = time.perf_counter()
    for _ in range(rounds):
        matters = [Matter.folded(text) for text in folded]
    made = time.perf_counter()
    for _ in range(rounds):
        for one in matters:
            agreement(one, matters[0])
    compared = time.perf_counter()
    each = 1e6 / rounds / len(TEXTS)
    return {"matter_us": round((made - started) * each, 1), "agreement_us": round((compared - made) * each, 2)}


async def _cluster(database: Database, topic: str, radius: int) -> dict[str, float]:
    reaches, chance = load_reaches(), random.Random(137)
    async with database.transaction() as tx:
        await tx.execute("TRUNCATE open_places")
        cases = [one.opened(None) for one in _candidates(topic, radius, OPEN, chance)]
        await remember_open(tx, [case for case in cases if case], reaches)
    del cases
    gc.collect()
    gc.freeze()  # as a service does; a full collection over what the filling left took 80 ms of one batch
    times = [await _batch(database, _candidates(topic, radius, BATCH, chance), reaches) for _ in range(ROUNDS)]
    searched = sorted(batch.search for batch in times)
    return {
        "open_cases": OPEN,
        "found_a_message": round(sum(batch.found for batch in times) / ROUNDS / BATCH, 1),
        "search_ms": round(searched[ROUNDS // 2], 4),
        "search_worst_ms": round(searched[-1], 4),
        "search_cpu_ms": round(sum(batch.cpu for batch in times) / ROUNDS, 4),
        "judge_ms": round(sorted(batch.judge for batch in times)[ROUNDS // 2], 4),
    }


class _Times(NamedTuple):
    """Of one batch: ms a message by the clock, of CPU in both processes, and of the verdicts; rows found."""

    search: float
    cpu: float
    judge: float
    found: int


async def _batch(database: Database, messages: Sequence[Candidate], reaches: Reaches) -> _Times:
    async with database.transaction() as tx:
        server = psutil.Process(await tx.fetchval("SELECT pg_backend_pid()"))
        used = _cpu(server)
        started = time.perf_counter()
        near = await find_near(tx, messages, reaches)
        searched = time.perf_counter()
        used = _cpu(server) - used
    judging = time.perf_counter()
    judge_batch(messages, near, reaches)
    each = 1000 / len(messages)
    judged = time.perf_counter() - judging
    return _Times((searched - started) * each, used * each, judged * each, sum(map(len, near.values())))


def _cpu(server: psutil.Process) -> float:
    """Seconds of CPU of this process and of PostgreSQL's for our connection, which counts in hundredths."""
    times = server.cpu_times()
    return time.process_time() + float(times.user + times.system)


def _candidates(topic: str, radius: int, count: int, chance: random.Random) -> list[Candidate]:
    """Messages evenly spread over a circle of so many metres, of the last three hours."""
    matters = [Matter.of(text) for text in TEXTS]
    return [_candidate(n, topic, radius, matters, chance) for n in range(count)]


def _candidate(n: int, topic: str, radius: int, matters: Sequence[Matter], chance: random.Random) -> Candidate:
    far, bearing = radius * math.sqrt(chance.random()), chance.uniform(0, 2 * math.pi)
    lat = CENTRE[0] + far * math.cos(bearing) / M_PER_DEGREE
    lon = CENTRE[1] + far * math.sin(bearing) / M_PER_DEGREE / EAST
    at = NOW - timedelta(seconds=chance.randrange(3 * 3600))
    phone = f"citizen {chance.randrange(5000)}"  # 20 cases a citizen
    return Candidate(new_code(), topic, Kind.REQUEST, at, matters[n % 3], lat, lon, 2, phone)


async def measure() -> dict[str, Any]:
    """The figures on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            database = await a_database(server, "routing", "duplicates")
            figures = await duplicate_search(database)
            await database.close()
        finally:
            server.stop()
    return figures


if __name__ == "__main__":
    for name, row in asyncio.run(measure()).items():
        print(name, row)
