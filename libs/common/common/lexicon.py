"""The word lists beside the code: one entry or one row of words a line, `#` begins a comment."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files


@cache
def rows(name: str) -> Sequence[Sequence[str]]:
    """The words of each line of `data/<name>.txt`; FileNotFoundError when there is no such list."""
    text = files("common").joinpath("data", f"{name}.txt").read_text(encoding="utf-8")
    return tuple(tuple(words) for line in text.splitlines() if (words := line.partition("#")[0].split()))
