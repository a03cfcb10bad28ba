"""What incidents cost on the path of messages: `python -m tests.bench.sightings`, on a PostgreSQL of its own."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from common.codes import new_code
from common.db import Database
from common.events import MessageReceived, SealedAddress
from routing.app import rulebook_of
from routing.baseline import Baseline
from routing.city import City
from routing.classify import Classifier
from routing.decide import Decider
from routing.models import Case, table
from routing.opening import Opening, asked_by
from routing.rulebook import Rulebook
from routing.sightings import Sightings
from workbench.postgres import Postgres
from workbench.simulator import normal_day, snow_night

from tests.builders import a_database
from tests.integration.night import written


async def cost(database: Database, openings: Sequence[Opening], batch: int, sightings: Sightings) -> dict[str, float]:
    """µs a message: CPU of this process, and by the clock, PostgreSQL's part included."""
    used = passed = 0.0
    for start in range(0, len(openings), batch):
        part = openings[start : start + batch]
        async with database.transaction() as tx:
            guessed = sightings.guess(part)
            rows = [opening.case_row(guessed.get(opening.message.code)) for opening in part]
            await tx.insert(table(Case), rows)
            cpu, clock = time.process_time(), time.perf_counter()
            await sightings.note(part, guessed, tx)
            used, passed = used + time.process_time() - cpu, passed + time.perf_counter() - clock
    scale = 1e6 / len(openings)
    return {"batch": batch, "cpu_us": round(used * scale, 1), "clock_us": round(passed * scale, 1)}


def _opened(messages: Sequence[MessageReceived], decider: Decider, rulebook: Rulebook) -> list[Opening]:
    """Each message from a number of its own."""
    own = [m.model_copy(update={"code": new_code(), "reply_to": _someone()}) for m in messages]
    decisions = decider.decide([asked_by(message) for message in own], rulebook.rules)
    return [Opening(m, d, decider.city) for m, d in zip(own, decisions, strict=True)]


def _someone() -> SealedAddress:
    return SealedAddress(phone_lookup=new_code())


async def measured(folder: Path) -> None:
    """An ordinary day and a night of snow, in batches of several sizes."""
    city = City.load()
    decider, rulebook = Decider(city, Classifier.load(city.topics)), rulebook_of(city)
    postgres = Postgres(folder)
    postgres.start()
    try:
        for name, sent in (("ordinary", normal_day(0)[:4000]), ("snow", snow_night(0)[:4000])):
            for batch in (500, 100, 10):
                database = await a_database(postgres, "routing", f"{name}_{batch}")
                await rulebook.refresh(database, datetime.now(UTC))
                openings = _opened(written(sent), decider, rulebook)
                print(name, await cost(database, openings, batch, Sightings(Baseline.load(), city)), flush=True)
                await database.close()
    finally:
        postgres.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pasokh-bench-") as folder:
        asyncio.run(measured(Path(folder)))
