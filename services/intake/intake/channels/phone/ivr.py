"""Which topic a key of the exchange's menu stands for: by campaign, from a file that the city edits."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from pathlib import Path

from common.calendar import TEHRAN

COLUMNS = ("campaign", "key", "topic", "valid_from", "valid_until")
OWN_FILE = Path(__file__).parents[2] / "data" / "ivr.csv"


@dataclass(frozen=True, slots=True)
class Line:
    """A key that means a topic, on the days from one to the other, both included (Tehran)."""

    campaign: str
    key: str
    topic: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Menu:
    """The lines of all campaigns; no key means two topics on one day."""

    lines: Sequence[Line] = ()

    def __post_init__(self) -> None:
        for one, other in combinations(self.lines, 2):
            if one.key == other.key and one.first <= other.last and other.first <= one.last:
                raise ValueError(f"key {one.key} means {one.campaign} and {other.campaign} on the same days")

    def topic(self, keys: str | None, at: datetime) -> str | None:
        """The topic of the keys that a caller pressed, if they mean one then."""
        day = at.astimezone(TEHRAN).date()
        return next((n.topic for n in self.lines if n.key == keys and n.first <= day <= n.last), None)


def read_menu(path: Path) -> Menu:
    """The menu of a file; ValueError names the line that does not fit."""
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path.name}: the first line must be {','.join(COLUMNS)}")
        return Menu([_line(row, f"{path.name}:{number}") for number, row in enumerate(rows, 2)])


def _line(row: dict[str, str], where: str) -> Line:
    if not row["key"] or not row["key"].isdigit() or not row["topic"]:
        raise ValueError(f"{where}: a key is digits, and a topic a code of the catalogue")
    try:
        first, last = date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_until"])
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if first > last:
        raise ValueError(f"{where}: valid_until is before valid_from")
    return Line(row["campaign"], row["key"], row["topic"], first, last)
