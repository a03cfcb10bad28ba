"""How many cases stand behind each filter of the worklist."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from common.app import DatabaseOf
from fastapi import APIRouter, Depends
from sqlalchemy import Select, func, select

from routing.access import CityOf, Reader, SealerOf, units_of
from routing.models import Case
from routing.schemas import CountsOut
from routing.workflow import OPEN
from routing.worklist import Filters, Scope, phone_lookup, placed, sifted

router = APIRouter(prefix="/v1/cases", tags=["cases"])
MOST_COUNTED = 50_000  # cases; 25 ms


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
    return _counts(rows)


def counted(scope: Scope) -> Select[Any]:
    """Cases by status, unit, topic, urgency and whether they are overdue; MOST_COUNTED of them are looked at."""
    late = ((Case.deadline < scope.now) & Case.status.in_(sorted(OPEN))).label("overdue")
    few = select(Case.status, Case.unit, Case.topic, Case.urgent, late).where(
        *placed(scope, Case), *sifted(scope, Case)
    )
    seen = few.limit(MOST_COUNTED).subquery("seen")
    return select(seen, func.count().label("cases")).group_by(*seen.c)


def _counts(rows: Iterable[Any]) -> CountsOut:
    rows = list(rows)
    total = sum(row.cases for row in rows)
    return CountsOut(
        total=total,
        at_least=total >= MOST_COUNTED,
        status=_sum(rows, lambda row: row.status),
        unit=_sum(rows, lambda row: row.unit),
        topic=_sum(rows, lambda row: row.topic or ""),
        urgent=sum(row.cases for row in rows if row.urgent),
        overdue=sum(row.cases for row in rows if row.overdue),
    )


def _sum(rows: Iterable[Any], name: Callable[[Any], str]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in rows:
        sums[name(row)] += row.cases
    return dict(sums.most_common())
