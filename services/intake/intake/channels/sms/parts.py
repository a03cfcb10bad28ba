"""Long SMS that arrive in parts.

Kavenegar gives a long message whole, and where an operator does not, nothing in what it gives says which parts belong
together. So a text is held as a possible part only when it fills one exactly (67 or 66 units of UCS-2, 153 or 152 of
GSM 7 bit: what is left of 140 octets beside a short or a long header that numbers the parts, 3GPP TS 23.040), and
joined only with what the same number sends within ten seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

WAIT = timedelta(seconds=10)
MOST_PARTS = 20
_UCS2_PARTS = (66, 67)
_GSM_PARTS = (152, 153)


@dataclass(frozen=True, slots=True)
class Part:
    """A text that may have a next one; `sender` is the number's keyed hash."""

    id: str
    sender: str
    text: str
    received_at: datetime


def fills_a_part(text: str) -> bool:
    """Whether a text ends where a part ends."""
    if text.isascii():
        return len(text) in _GSM_PARTS
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 in _UCS2_PARTS


def whole(parts: Iterable[Part], now: datetime) -> list[list[Part]]:
    """The messages that nothing more is waited for, each as its parts in the order in which they came."""
    by_sender = sorted(parts, key=lambda part: (part.sender, part.received_at, len(part.id), part.id))
    runs = [run for _, sent in groupby(by_sender, key=lambda part: part.sender) for run in _runs(list(sent))]
    return [run for run in runs if not _expects_more(run) or now - run[-1].received_at > WAIT]


def _runs(parts: Sequence[Part]) -> list[list[Part]]:
    runs: list[list[Part]] = []
    for part in parts:
        if runs and _expects_more(runs[-1]) and part.received_at - runs[-1][-1].received_at <= WAIT:
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _expects_more(run: Sequence[Part]) -> bool:
    return fills_a_part(run[-1].text) and len(run) < MOST_PARTS
