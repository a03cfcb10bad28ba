"""Chaos: kill -9 of parts at random under load with retrying clients; then every accepted code is looked for."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence

import orjson

from workbench.load import Accepted, Post, Target, percentile, post_all
from workbench.reconcile import Balance, orphans, settle
from workbench.system import PARTS, Workbench

ROUND_SECONDS = 3.0
SETTLE_SECONDS = 180.0
Say = Callable[[str], None]


async def storm(bench: Workbench, *, messages: int, rounds: int, seed: int, say: Say = print) -> bool:
    """Kill parts in `rounds` while `messages` come in, then reconcile; whether nothing was lost or doubled."""
    target = Target(f"{bench.url('intake')}/v1/app/messages", bench.keys.token("app", citizen="chaos"))
    rate = messages / (rounds * ROUND_SECONDS)
    started = time.monotonic()
    load = asyncio.create_task(post_all(target, _posts(messages, seed), connections=32, rate=rate))
    killed = await _kill(bench, plan(rounds, seed), say)
    accepted = await load
    say(f"load: {messages} accepted in {time.monotonic() - started:.0f} s, {_tries(accepted)}")
    found = await settle(bench, [a.code for a in accepted if a.code], SETTLE_SECONDS)
    made_up = await orphans(bench)
    say(f"killed: {', '.join(f'{name} {count}' for name, count in sorted(killed.items()))}")
    say(_verdict(found, made_up, messages))
    return found.good and made_up == 0 and found.accepted == messages


def plan(rounds: int, seed: int) -> list[str]:
    """Which part dies in which round: each of the six at least once when there are six rounds, in random order."""
    dice = random.Random(seed)
    order: list[str] = []
    while len(order) < rounds:
        order += dice.sample(PARTS, len(PARTS))
    return order[:rounds]


async def _kill(bench: Workbench, victims: Sequence[str], say: Say) -> Counter[str]:
    killed: Counter[str] = Counter()
    for n, victim in enumerate(victims, 1):
        await asyncio.sleep(ROUND_SECONDS * 0.6)
        await asyncio.to_thread(bench.kill, victim)
        killed[victim] += 1
        say(f"round {n}/{len(victims)}: kill -9 {victim}")
        await asyncio.sleep(ROUND_SECONDS * 0.4)  # the supervisor brings it back within 0.2 s
    return killed


def _posts(messages: int, seed: int) -> list[Post]:
    run = uuid.uuid4().hex[:8]
    dice = random.Random(seed)
    return [
        Post(
            f"chaos-{run}-{n}",
            orjson.dumps(
                {
                    "text": f"آب‌گرفتگی معبر، گزارش شماره {n}",
                    "topic": dice.choice(("US-GUTTER", "TC-POTHOLE", "US-FLOOD-STREET", "GS-TREE-FALL")),
                    "place": {"region": dice.randint(1, 22)},
                    "phone": f"0935{dice.randrange(10_000_000):07d}",
                }
            ),
        )
        for n in range(messages)
    ]


def _tries(accepted: Sequence[Accepted]) -> str:
    again = sum(a.tries > 1 for a in accepted)
    return f"{again} needed more than one try, p99 {percentile([a.seconds for a in accepted], 0.99):.2f} s"


def _verdict(found: Balance, made_up: int, messages: int) -> str:
    word = "good" if found.good and made_up == 0 and found.accepted == messages else "BROKEN"
    return f"chaos: {found.line()}, {made_up} made up: {word}"
