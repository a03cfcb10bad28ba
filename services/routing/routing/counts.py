"""How many cases stand behind each filter of the worklist."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from common.app import DatabaseOf
from fastapi import APIRouter, Depends
from sqlalchemy import Select, Text, func, select

from routing.access import CityOf, Reader, SealerOf, units_of
from routing.models import Case
from routing.schemas import CountsOut
from routing.workflow import OPEN
from routing.worklist import Filters, Scope, phone_lookup, placed, sifted

router = APIRouter(prefix="/v1/cases", tags=["cases"])
MOST_COUNTED = 50_000  # cases, in 25 ms; a city like Tehran has some 40,000 open
STATUS, UNIT, TOPIC, URGENT, OVERDUE = 0b01111, 0b10111, 0b11011, 0b11101, 0b11110


@router.get("/counts")
async def get_counts(
    caller: Reader, database: DatabaseOf, city: CityOf, sealer: SealerOf, filters: Annotated[Filters, Depends()]
) -> CountsOut:
    """Counts for the same filters as the worklist; of open cases, where neither `status` nor `open` is given."""
    if filters.status is None and filters.open is None:
        filters.open = True
    scope = Scope(filters, units_of(caller, city), phone_lookup(filters.phone, caller, sealer), datetime.now(UTC))
    async with database.transaction() as tx:
        rows = (await tx.session.execute(counted(scope))).all()
    return counts_of(rows)


def counted(scope: Scope) -> Select[Any]:
    """How many cases have each status, unit, topic, urgency, and are overdue; MOST_COUNTED are looked at.

    A row is (which, value, cases): `which` is PostgreSQL's `grouping`, a bit of five that is 0 for what is counted.
    """
    late = ((Case.deadline < scope.now) & Case.status.in_(sorted(OPEN))).label("overdue")
    looked = select(Case.status, Case.unit, Case.topic, Case.urgent, late)
    looked = looked.where(*placed(scope, Case), *sifted(scope, Case))
    seen = looked.limit(MOST_COUNTED).subquery("seen").c
    value = func.coalesce(seen.status, seen.unit, seen.topic, seen.urgent.cast(Text), seen.overdue.cast(Text), "")
    return select(func.grouping(*seen), value, func.count()).group_by(func.grouping_sets(*seen))


def counts_of(rows: Iterable[Any]) -> CountsOut:
    """What the rows of `counted` say."""
    sums: dict[int, dict[str, int]] = {which: {} for which in (STATUS, UNIT, TOPIC, URGENT, OVERDUE)}
    for which, value, cases in sorted(rows, key=lambda row: -row[2]):
        sums[which][value] = cases
    total = sum(sums[STATUS].values())
    return CountsOut(
        total=total,
        at_least=total >= MOST_COUNTED,
        status=sums[STATUS],
        unit=sums[UNIT],
        topic=sums[TOPIC],
        urgent=sums[URGENT].get("true", 0),
        overdue=sums[OVERDUE].get("true", 0),
    )
