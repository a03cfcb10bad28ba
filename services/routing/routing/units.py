"""Who can be given a case: HQ desks, regions, nahiye and other bodies. Read from `data/`, then values."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from routing.regions import Region, data_rows

TRIAGE = "hq-triage"
ARBITRATION = "hq-arbitration"  # decides whose a case is that no unit wants
ON_CALL = "-oncall"
_NAHIYE = re.compile(r"nahiye-(\d+)-\d+")


@dataclass(frozen=True, slots=True)
class Unit:
    """Who acts: an HQ desk, a region, a nahiye, or another body."""

    code: str
    title_fa: str
    level: str  # hq, region, nahiye or organisation
    parent: str | None = None


def heir(code: str, units: Container[str]) -> str:
    """Who acts for a unit: itself, or, where the city's data have it no more, the unit that it was on call for, the
    region of a nahiye, else the triage desk."""
    while code not in units and code != TRIAGE:
        region = _NAHIYE.fullmatch(code)
        code = code.removesuffix(ON_CALL) if code.endswith(ON_CALL) else f"region-{region[1]}" if region else TRIAGE
    return code


def city_units(desks: Mapping[str, str], regions: Iterable[Region]) -> dict[str, Unit]:
    """Every unit by its code; `desks` are the titles of the topics that HQ desks handle, by the desk's name."""
    bodies = {row["unit"]: row["title_fa"] for row in data_rows("organisations.csv")}
    units = [Unit(TRIAGE, "میز بررسی ستاد", "hq"), Unit(ARBITRATION, "میز داوری ستاد", "hq")]
    for desk, title in desks.items():
        other = bodies.get(desk)
        units.append(Unit(f"hq-{desk}", other or f"ستاد، {title}", "organisation" if other else "hq"))
    for region in regions:
        own = f"region-{region.number}"
        units.append(Unit(own, f"شهرداری منطقه {region.number}", "region"))
        units += [
            Unit(f"nahiye-{region.number}-{n}", f"ناحیه {n} منطقه {region.number}", "nahiye", own)
            for n in range(1, region.nahiye + 1)
        ]
    return {unit.code: unit for unit in units}
