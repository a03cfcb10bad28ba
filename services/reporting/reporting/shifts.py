"""What the report of shifts is put together from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.db import Transaction

from reporting.overflow import contact_figures, deflection_figures
from reporting.queries import call_figures, case_figures, reply_figures

CHANNELS = ("phone", "social", "app")
SHIFT_LENGTH = timedelta(hours=8)
Figures = Mapping[datetime, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ShiftSources:
    """Figures by shift, each of one kind of fact."""

    cases: Figures
    calls: Figures
    replies: Mapping[tuple[datetime, str], int]
    deflections: Figures
    others: Sequence[Mapping[str, Any]]  # contacts that became no message

    def contacts(self, moment: datetime) -> dict[str, int]:
        """Contacts of a shift by channel: messages without a call, replies, calls, and what became no message.

        Who was asked before joining a queue, and took another way, called as well, though no queue tells of the call.
        """
        found = {c: int(self.cases.get(moment, {}).get(c, 0)) + self.replies.get((moment, c), 0) for c in CHANNELS}
        found["phone"] += self.calls.get(moment, {}).get("phone", 0)
        found["phone"] += self.deflections.get(moment, {}).get("never_queued", 0)
        for other in self.others:
            if other["key"] == moment and not other["of_a_call"]:
                found[other["channel"]] += other["contacts"]
        return found

    def without_message(self, moment: datetime) -> dict[str, int]:
        """By reason."""
        reasons: Counter[str] = Counter()
        for other in self.others:
            if other["key"] == moment:
                reasons[other["reason"]] += other["contacts"]
        return dict(reasons)


async def read_shifts(start: datetime, end: datetime, tx: Transaction) -> ShiftSources:
    """All of it for [start, end)."""
    return ShiftSources(
        cases={row["key"]: row for row in await case_figures("shift", start, end, tx)},
        calls=await call_figures(start, end, tx),
        replies=await reply_figures(start, end, tx),
        deflections=await deflection_figures(start, end, tx),
        others=await contact_figures(start, end, tx),
    )


def shifts_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The first moments of the shifts in [start, end)."""
    while start < end:
        yield start
        start += SHIFT_LENGTH
