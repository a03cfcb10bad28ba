"""What a changed rule set would do to the last cases. The facts of a case are read again from its row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.db import Row, Transaction
from common.events import Channel, Kind
from common.folding import fold

from routing.city import Topic
from routing.rules import Facts, Moved, RuleSet, preview
from routing.urgency import urgency

_LAST = """
SELECT code, text, topic, suggestions -> 0 ->> 0 AS likeliest, region, nahiye, kind, channel, occurred_at
FROM cases ORDER BY received_at DESC, code DESC LIMIT $1
"""


async def last_cases(tx: Transaction, count: int) -> Sequence[Row]:
    """What rules look at, of the cases received last, the newest first."""
    return [dict(row) for row in await tx.fetch(_LAST, count)]


def moved(old: RuleSet, new: RuleSet, cases: Iterable[Row]) -> list[Moved]:
    """The cases that `new` would give to another unit than `old`, the newest first; 5,000 take half a second."""
    return preview(old, new, ((row["code"], facts_of(row, new.known.topics)) for row in cases))


def facts_of(row: Row, topics: Mapping[str, Topic]) -> Facts:
    """The facts by which a case was decided; of a topic that staff corrected, those by which it would be today.

    Whether it is urgent is asked of the text once more: its column says what came out, and a rule may have said so.
    """
    topic = topics.get(row["topic"] or "")
    return Facts(
        topic=topic.code if topic else None,
        group=topic.deputy if topic else None,
        region=row["region"],
        nahiye=row["nahiye"],
        kind=Kind(row["kind"]),
        channel=Channel(row["channel"]),
        urgent=_urgent(row["text"], topics.get(row["topic"] or row["likeliest"] or "")),
        at=row["occurred_at"],
    )


def _urgent(text: Any, likeliest: Topic | None) -> bool:
    if likeliest is None:
        return urgency(fold(text), None, False).urgent
    return urgency(fold(text), likeliest.code, likeliest.urgent).urgent
