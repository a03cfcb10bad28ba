"""Unguessable parts of a webhook's address, for platforms that sign nothing."""

import hmac
from collections.abc import Sequence
from typing import Annotated

from common.auth import unauthorized
from pydantic import Field

PathSecret = Annotated[str, Field(min_length=16, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]


def check(given: str, valid: Sequence[str]) -> None:
    """Problem 401 unless it is one of the secrets; several are valid while one is replaced. In constant time."""
    sent = given.encode("utf-8", "surrogatepass")
    same = [hmac.compare_digest(sent, secret.encode()) for secret in valid]  # all of them, whichever it is
    if not any(same):
        raise unauthorized("There is no such webhook.")
