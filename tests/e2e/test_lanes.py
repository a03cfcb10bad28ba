"""Urgent messages that come after the bulk are referred before it. Order, not time: it holds on any machine."""

import asyncio
import uuid

import orjson
from common.signs import may_be_urgent
from workbench.load import Post, Target, post_all
from workbench.reconcile import settle
from workbench.system import Workbench

from tests.bench.lanes import until_referred

BULK = "سطل زباله سر کوچه ما را عوض کنید"
ALARM = "بوی شدید گاز کل کوچه رو برداشته، زود بیاید"


def posts(text: str, count: int) -> list[Post]:
    mark = uuid.uuid4().hex
    return [
        Post(f"{mark}-{n}", orjson.dumps({"text": text, "place": {"region": 5}, "phone": f"0912{n:07d}"}))
        for n in range(count)
    ]


async def test_urgent_messages_are_referred_while_the_bulk_before_them_still_waits(city: Workbench) -> None:
    assert (may_be_urgent(ALARM, None), may_be_urgent(BULK, None)) == (True, False)
    target = Target(f"{city.url('intake')}/v1/app/messages", city.keys.token("app", citizen="e2e"))
    await asyncio.to_thread(city.take_down, "routing")
    bulk = [a.code for a in await post_all(target, posts(BULK, 3000), connections=32) if a.code]
    urgent = [a.code for a in await post_all(target, posts(ALARM, 30), connections=8) if a.code]
    await asyncio.to_thread(city.bring_up, "routing")
    referred = await until_referred(city, [*bulk, *urgent], seconds=120)
    last = max(referred[code] for code in urgent)
    waited = [code for code in bulk if referred[code] > last]
    assert len(waited) > len(bulk) / 2
    assert (await settle(city, [*bulk, *urgent])).good
