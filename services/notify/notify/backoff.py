"""How long to wait before the next try."""

import random
from datetime import timedelta

LONGEST = 60.0  # seconds
ACCOUNT = 30.0  # when a person must act: a wrong key, no credit


def pause(attempts: int, *, slow: bool = False, longest: float = LONGEST) -> timedelta:
    """1, 2, 4 … `longest` s after the first, second, third try, less up to half at random: tries do not pile up."""
    seconds = max(min(longest, 2.0 ** min(attempts - 1, 10)), ACCOUNT if slow else 0.0)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.0))
