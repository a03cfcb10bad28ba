"""GeoReport's requests: routing's cases, and before them what routing has not seen yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.calendar import TEHRAN
from common.persian import persian_digits

from intake.open311.asked import Asked, routing_query
from intake.open311.cache import Cache
from intake.open311.own import Case, Own, fits
from intake.routing_client import RoutingClient
from intake.topics import Topics

UNKNOWN_CODE, UNKNOWN_NAME = "unknown", "در حال بررسی"  # a topic that routing has still to decide


@dataclass
class Requests:
    """The list that anybody may read."""

    routing: RoutingClient
    topics: Topics
    own: Own
    fresh: Cache[None, Sequence[Case]]

    async def find(self, asked: Asked, now: datetime) -> list[dict[str, Any]]:
        """A page, or the requests that were named."""
        cases = await (self._named(asked.codes) if asked.codes is not None else self._page(asked, now))
        return [request_of(case) for case in cases]

    async def _page(self, asked: Asked, now: datetime) -> Sequence[Case]:
        """What is seconds old stands first; the pages of routing's list follow on it without a gap."""
        unseen = [case for case in await self.fresh.get(None, self._unseen) if fits(case, asked, now)]
        own = unseen[asked.offset : asked.offset + asked.limit]
        limit = asked.limit - len(own)
        if limit == 0:
            return own
        page = {"offset": max(0, asked.offset - len(unseen)), "limit": limit}
        answer = await self.routing.get("/v1/public/cases", {**routing_query(asked, now), **page})
        mine = {case["code"] for case in own}
        return [*own, *(case for case in answer["items"] if case["code"] not in mine)]

    async def _named(self, codes: Sequence[str]) -> Sequence[Case]:
        if not codes:
            return []
        answer = await self.routing.get("/v1/public/cases", {"codes": ",".join(codes)})
        cases: list[Case] = answer["items"]
        if missing := set(codes) - {case["code"] for case in cases}:
            topics = {topic.code: topic for topic in await self.topics.get()}
            cases = [*await self.own.named(sorted(missing), topics), *cases]
        return cases

    async def _unseen(self) -> Sequence[Case]:
        topics = {topic.code: topic for topic in await self.topics.get()}
        return await self.own.unseen(topics, datetime.now(UTC))


def request_of(case: Case) -> dict[str, Any]:
    """A case in the specification's words and order; what we do not tell is null.

    `description` is the topic's title: a citizen's own text may name people. `media_url` is null, for a photo may show
    them. `service_notice` is there even when it is empty: clients read it without asking.
    """
    name = case["title"] or UNKNOWN_NAME
    return {
        "service_request_id": case["code"],
        "status": "open" if case["open"] else "closed",
        "status_notes": case["words"],
        "service_name": name,
        "service_code": case["topic"] or UNKNOWN_CODE,
        "description": name,
        "agency_responsible": case.get("unit"),
        "service_notice": "",
        "requested_datetime": tehran_time(case["received_at"]),
        "updated_datetime": tehran_time(case["updated_at"]),
        "expected_datetime": tehran_time(case["deadline"]) if case.get("deadline") else None,
        "address": _address(case),
        "address_id": None,
        "zipcode": None,
        "lat": case["lat"],
        "long": case["lon"],
        "media_url": None,
    }


def tehran_time(moment: str) -> str:
    """A time as the specification wants it, to the second, with its offset."""
    return datetime.fromisoformat(moment).astimezone(TEHRAN).isoformat(timespec="seconds")


def _address(case: Mapping[str, Any]) -> str | None:
    """The nahiye and the region; a citizen's own words would say whose home it is."""
    region, nahiye = case.get("region"), case.get("nahiye")
    if region is None:
        return None
    return persian_digits(f"ناحیه {nahiye}، منطقه {region}، تهران" if nahiye else f"منطقه {region}، تهران")
