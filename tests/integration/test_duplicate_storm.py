"""A storm played through the handler: whoever reports what was reported already is joined to it."""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from common.events import Channel, Kind, MessageReceived, Place
from routing.cells import metres
from routing.duplicates import load_reaches
from workbench.simulator import STORM, Sent, normal_day, storm, storm_onset

from tests.builders import a_message
from tests.integration.families import Wired
from tests.integration.families import routing as routing

BATCH, MESSAGES = 200, 4000
# What citizens write of each of the storm's facts; of other topics the simulator's own labelled texts.
TEXTS = {
    "US-FLOOD-STREET": ["آب در خیابان جمع شده و خودروها مانده‌اند", "آبگرفتگی شدید خیابان، آب جمع شده"],
    "US-FLOOD-BUILDING": ["آب وارد ساختمان شده است", "زیرزمین ساختمان را آب گرفته و آب وارد ساختمان شده"],
    "GS-TREE-FALL": ["درخت افتاده و راه بسته است", "یک درخت بزرگ شکسته و افتاده"],
    "US-GUTTER": ["جوی آب گرفته است", "جوی پر از زباله و گرفته است"],
    "OR-HAZARD": ["تابلو بزرگ در حال سقوط است", "تابلو در حال افتادن است، خطر سقوط"],
}


class Row(NamedTuple):
    """A case of the replay."""

    code: str
    parent: str | None
    urgent: bool


def _message(sent: Sent) -> MessageReceived:
    return a_message(
        text=sent.text,
        topic=sent.topic,
        kind=Kind.REQUEST,
        channel=Channel(sent.channel),
        place=Place(lat=sent.lat, lon=sent.lon),
        occurred_at=sent.at,
        received_at=sent.at,
    )


async def _play(routing: Wired, sent: Sequence[Sent]) -> tuple[list[Row], float]:
    """The cases in the order of the messages, and ms of a message."""
    messages = [_message(one) for one in sent]
    started = time.perf_counter()
    for first in range(0, len(messages), BATCH):
        await routing.receive(*messages[first : first + BATCH])
    took = (time.perf_counter() - started) * 1000 / len(messages)
    rows = {row[0]: Row(*row) for row in await routing.read("SELECT code, parent, urgent FROM cases")}
    return [rows[message.code] for message in messages], took


def _stands_alone_nearby(sent: Sequence[Sent], rows: Sequence[Row]) -> list[tuple[Sent, Sent]]:
    """Pairs of one topic that both stand alone although the earlier could have been the later's parent."""
    reaches = load_reaches()
    alone: dict[tuple[str, bool], list[Sent]] = defaultdict(list)
    pairs = []
    for one, row in zip(sent, rows, strict=True):
        if row.parent is not None or one.topic not in STORM:
            continue
        reach = reaches[one.topic]
        known = alone[one.topic, row.urgent]
        pairs += [
            (other, one)
            for other in known
            if one.at - other.at <= reach.window and metres(one.lat, one.lon, other.lat, other.lon) <= reach.radius_m
        ]
        known.append(one)
    return pairs


def _strays(sent: Sequence[Sent], rows: Sequence[Row]) -> list[tuple[Sent, Sent]]:
    """Children with a parent that is not theirs: of another topic, too far, a child itself, or less urgent."""
    reaches = load_reaches()
    cases = {row.code: (one, row) for one, row in zip(sent, rows, strict=True)}
    pairs = [((one, row), cases[row.parent]) for one, row in cases.values() if row.parent]
    return [
        (child, parent)
        for (child, as_child), (parent, as_parent) in pairs
        if child.topic != parent.topic
        or metres(child.lat, child.lon, parent.lat, parent.lon) > reaches[child.topic].radius_m
        or as_parent.parent is not None
        or as_child.urgent > as_parent.urgent
    ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_in_a_storm_the_messages_of_one_spot_end_under_one_parent(routing: Wired, seed: int) -> None:
    onset = storm_onset()
    sent = [one for one in storm(seed, texts=TEXTS) if one.at >= onset and one.topic in STORM][:MESSAGES]
    rows, ms = await _play(routing, sent)
    family = Counter(row.parent for row in rows if row.parent)
    print(f"storm {seed}: {ms:.2f} ms a message, {family.total() / len(rows):.0%} joined, most {max(family.values())}")
    assert _stands_alone_nearby(sent, rows) == []
    assert _strays(sent, rows) == []
    assert family.total() > len(rows) / 4


async def test_on_an_ordinary_day_few_are_joined(routing: Wired) -> None:
    rows, ms = await _play(routing, normal_day(3)[:MESSAGES])
    joined = sum(row.parent is not None for row in rows) / len(rows)
    print(f"ordinary day: {ms:.2f} ms a message, {joined:.1%} joined")
    assert 0 < joined < 0.15
