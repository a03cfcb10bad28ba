"""What a changed rule set would do to the last cases. The facts of a case are read again from its row."""

from collections.abc import Mapping, Sequence

from common.db import Row, Transaction
from common.events import Channel, Kind
from common.folding import fold

from routing.city import Topic
from routing.classify import Classifier
from routing.decide import GIVEN
from routing.model import Model
from routing.rules import Facts, Moved, RuleSet, preview
from routing.urgency import urgency

_LAST = """
SELECT code, text, topic, suggestions -> 0 ->> 0 AS likeliest, region, nahiye, kind, channel, occurred_at,
       reasons ->> 'topic' AS why_topic
FROM cases ORDER BY received_at DESC, code DESC LIMIT $1
"""


async def last_cases(tx: Transaction, count: int) -> Sequence[Row]:
    """What rules look at, of the cases received last, the newest first."""
    return [dict(row) for row in await tx.fetch(_LAST, count)]


def moved(old: RuleSet, new: RuleSet, cases: Sequence[Row], model: Model) -> list[Moved]:
    """The cases that `new` would give to another unit than `old`, the newest first; 5,000 take half a second.

    A classifier remembers words and serves one thread, so this thread has one of its own.
    """
    likely = [ranking.urgent for ranking in Classifier(model).rank([str(row["text"]) for row in cases])]
    facts = (facts_of(row, new.known.topics, one) for row, one in zip(cases, likely, strict=True))
    return preview(old, new, zip((str(row["code"]) for row in cases), facts, strict=True))


def facts_of(row: Row, topics: Mapping[str, Topic], likely: float) -> Facts:
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
        urgent=_urgent(row, topics.get(row["topic"] or row["likeliest"] or ""), likely),
        at=row["occurred_at"],
    )


def _urgent(row: Row, topic: Topic | None, likely: float) -> bool:
    folded = fold(row["text"])
    if topic is None:
        return urgency(folded, None, False, likely).urgent
    chosen = topic.urgent and row["why_topic"] == GIVEN
    return urgency(folded, topic.code, topic.urgent, None if chosen else likely).urgent
