"""Tracking codes: nine random digits and one Damm check digit, which catches every single slip and swap.

Damm's quasigroup of order 10 is from H. M. Damm, "Total anti-symmetrische Quasigruppen" (2004).
"""

import os

from common.persian import latin_digits

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def new_code() -> str:
    """A fresh code of ten digits; whether it is taken is the database's word."""
    digits = f"{int.from_bytes(os.urandom(8)) % 1_000_000_000:09d}"  # 64 bits: the bias is one in 10^10
    return digits + str(_check(digits))


def is_code(text: str) -> bool:
    """Whether these are ten digits whose check digit fits."""
    return len(text) == 10 and text.isascii() and text.isdigit() and _check(text) == 0


def parse_code(text: str) -> str | None:
    """The code in what a person typed (any digits, spaces, dashes), or None."""
    digits = "".join(latin_digits(text).replace("-", " ").split())
    return digits if is_code(digits) else None


def _check(digits: str) -> int:
    state = 0
    for digit in digits:
        state = _DAMM[state][ord(digit) - 48]
    return state
