"""The short storm: each of the six parts is killed once under load."""

from pathlib import Path

import pytest
from workbench.chaos import plan, storm
from workbench.home import Home
from workbench.system import PARTS, Workbench


@pytest.mark.timeout(400)
async def test_two_thousand_messages_survive_the_death_of_every_part(tmp_path: Path) -> None:
    said: list[str] = []
    with Workbench(Home(tmp_path)) as bench:
        good = await storm(bench, messages=2000, rounds=6, seed=1, say=said.append)
    assert good, "\n".join(said)
    assert all(any(f"kill -9 {part}" in line for line in said) for part in PARTS)


def test_six_rounds_kill_each_part_once_and_a_seed_gives_the_same_plan() -> None:
    assert sorted(plan(6, 7)) == sorted(PARTS)
    assert plan(20, 7) == plan(20, 7)
    assert plan(20, 7) != plan(20, 8)
