"""Routing with its clock, at moments that a test chooses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from common.events import MessageAmended, UrgentMessageAmended
from common.sealed import Sealer
from routing.amending import Amending
from routing.app import create_app
from routing.city import City
from routing.escalation import escalate_due
from routing.lanes import amend_urgent_with
from routing.models import Case
from routing.settings import Settings
from routing.steps import Move, move
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import a_database, a_message, an_amendment, service_settings
from tests.integration.http import Asked
from tests.integration.test_routing import Routing

CITY = City.load()
SECOND = timedelta(seconds=1)


class Desks(Routing):
    """What staff do and what falls due, by the moment."""

    async def opened(self, **given: Any) -> str:
        """The code of a case that was opened now."""
        message = a_message(**given)
        await self.receive(message)
        return message.code

    async def look(self, now: datetime) -> int:
        """What a replica does every second."""
        async with self.database.transaction() as tx:
            return await escalate_due(CITY, now, tx)

    async def take(self, code: str, asked: Move) -> None:
        """A step at the moment that it names."""
        async with self.database.transaction() as tx:
            case = await tx.session.get_one(Case, code, with_for_update=True)
            tx.publish(*move(case, asked, CITY, tx))

    async def row(self, code: str) -> dict[str, Any]:
        """The case as it is stored."""
        async with self.database.transaction() as tx:
            row = await tx.fetchrow("SELECT * FROM cases WHERE code = $1", code)
        assert row is not None
        return dict(row)

    async def passed(self, code: str) -> list[str]:
        """The marks of the events, in the order in which they were told."""
        return [event["mark"] for event in await self.bodies(code, "deadline.passed.v1")]

    async def bodies(self, code: str, name: str) -> list[dict[str, Any]]:
        """The events of one name."""
        query = "SELECT body::jsonb AS body FROM outbox WHERE key = $1 AND name = $2 ORDER BY id"
        async with self.database.transaction() as tx:
            return [row["body"] for row in await tx.fetch(query, code, name)]

    async def add(self, code: str, **given: Any) -> None:
        """A citizen adds to a message."""
        await self.take_in(an_amendment(code, **given))

    async def take_in(self, *amended: MessageAmended) -> None:
        """The same, of several in a batch."""
        async with self.database.transaction() as tx:
            await Amending(self.decider, self.rulebook).amend_cases(amended, tx)

    async def take_in_by_the_urgent_lane(self, *amended: UrgentMessageAmended) -> None:
        """The same, by the other lane."""
        async with self.database.transaction() as tx:
            await amend_urgent_with(Amending(self.decider, self.rulebook))(amended, tx)

    async def steps(self, code: str) -> list[tuple[str, str]]:
        """Its history: each step, and the unit after it."""
        return [(step["step"], step["unit"]) for step in (await self.case(code))["history"]]

    async def refused(self, code: str, path: str, body: Any, who: str) -> tuple[int, str]:
        """Status and words of a step that is not taken."""
        etag = (await self.case(code))["etag"]
        answer = await self.asked.post(f"/v1/cases/{code}/{path}", who, body, If_Match=etag)
        return answer.status_code, answer.json()["detail"] if answer.status_code >= 400 else ""


@asynccontextmanager
async def some_desks(postgres: Postgres, name: str, keys: Keys) -> AsyncIterator[Desks]:
    """Routing on a fresh database."""
    database = await a_database(postgres, "routing", name)
    app = create_app(Settings.model_construct(None, **service_settings(database.address, keys)))
    made = Desks(database, Asked(app, keys), Sealer.from_file(keys.seal_keys))
    for rulebook in (made.rulebook, app.state.rulebook):
        await rulebook.refresh(database, datetime.now(UTC))
    yield made
    await app.state.service.database.close()
    await database.close()
