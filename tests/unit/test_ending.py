"""How the loops of a service end."""

import asyncio

from common.app import end


async def test_a_loop_that_swallows_a_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def loop() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    async def fails() -> None:
        raise ValueError

    tasks = asyncio.create_task(loop()), asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.wait_for(end(*tasks, again=0.01), 10)
    assert swallowed == 3
    assert all(task.done() for task in tasks)
