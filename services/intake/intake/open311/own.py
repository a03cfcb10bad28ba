"""Intake's own rows of what routing has not seen yet: seconds old, or as old as Kafka is away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common.db import Database

from intake.open311.asked import Asked
from intake.routing_client import RoutingClient
from intake.topics import Topic

WINDOW = timedelta(hours=1)
MOST = 1000
WORDS = "ثبت شده و در انتظار ارجاع است"
DIGITS = {"exactly": 5, "nearby": 2}  # of a degree, as routing rounds
_COLUMNS = "code, topic, place, received_at"
_RECENT = f"SELECT {_COLUMNS} FROM messages WHERE received_at > $1 ORDER BY received_at DESC LIMIT {MOST}"
_NAMED = f"SELECT {_COLUMNS} FROM messages WHERE code = ANY($1::text[]) ORDER BY received_at DESC"
Case = Mapping[str, Any]  # as routing's public list gives it


@dataclass
class Own:
    """Messages that may not be cases yet. What routing was once seen to have is not asked for again."""

    database: Database
    routing: RoutingClient
    _seen: set[str] = field(default_factory=set)

    async def unseen(self, topics: Mapping[str, Topic], now: datetime) -> Sequence[Case]:
        """The last hour's that routing does not have, newest first, of topics that stand in a list."""
        rows = await self._rows(_RECENT, now - WINDOW)
        asked = [row["code"] for row in rows if row["code"] not in self._seen]
        if asked:
            answer = await self.routing.get("/v1/public/cases", {"codes": ",".join(asked)})
            self._seen |= {case["code"] for case in answer["items"]}
        self._seen &= {row["code"] for row in rows}
        fresh = [as_case(row, topics) for row in rows if row["code"] not in self._seen]
        return [case for case in fresh if case["listed"]]

    async def named(self, codes: Sequence[str], topics: Mapping[str, Topic]) -> Sequence[Case]:
        """Messages of these codes, however old."""
        return [as_case(row, topics) for row in await self._rows(_NAMED, list(codes))]

    async def _rows(self, query: str, argument: object) -> Sequence[Mapping[str, Any]]:
        async with self.database.transaction() as tx:
            return [dict(row) for row in await tx.fetch(query, argument)]


def as_case(row: Mapping[str, Any], topics: Mapping[str, Topic]) -> Case:
    """A message as routing would list it: no word of the citizen's; its place only where the topic's may be shown."""
    topic = topics.get(row["topic"] or "")
    digits = DIGITS.get(topic.shown) if topic else None
    place = (row["place"] or {}) if digits else {}
    return {
        "code": row["code"],
        "topic": topic.code if topic else None,
        "title": topic.title_fa if topic else None,
        "open": True,
        "words": WORDS,
        "region": place.get("region"),
        "lat": round(place["lat"], digits) if place.get("lat") is not None else None,
        "lon": round(place["lon"], digits) if place.get("lon") is not None else None,
        "received_at": row["received_at"].isoformat(),
        "updated_at": row["received_at"].isoformat(),
        "listed": digits is not None,
    }


def fits(case: Case, asked: Asked, now: datetime) -> bool:
    """Whether a case of our own is among what was asked for."""
    received = datetime.fromisoformat(case["received_at"])
    if asked.open is False or (asked.topics is not None and case["topic"] not in asked.topics):
        return False
    spans = (asked.requested(now), asked.updated(now))
    return all((start is None or received >= start) and (end is None or received <= end) for start, end in spans)
