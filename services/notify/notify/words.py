"""Which event is told by which means and in which words: `data/matrix.csv`, which the city edits."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Formatter

from common.events import Channel, NotificationRequested, Told
from common.persian import persian_digits

MOST_PARTS = 4
FIELDS = frozenset({"code", "topic", "unit", "outcome"})
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)


@dataclass(frozen=True, slots=True)
class Telling:
    """By which means, and in which words."""

    means: str
    template: str


@dataclass(frozen=True)
class Matrix:
    """Told × channel → telling."""

    rows: Mapping[tuple[Told, Channel], Telling]

    @classmethod
    def load(cls) -> "Matrix":
        """Read the table, where `*` stands for every one of either and the closest row wins; a row of `*` told has no
        words: it names the means of a channel. ValueError where a row names what does not exist."""
        text = (files("notify") / "data" / "matrix.csv").read_text(encoding="utf-8")
        rows = {
            (_told(r["told"]), r["channel"]): Telling(r["means"], checked(r["template"], FIELDS))
            for r in csv.DictReader(text.splitlines())
        }
        pairs = ((told, channel) for told in Told for channel in Channel)
        return cls({(told, channel): one for told, channel in pairs if (one := _closest(rows, told, channel))})

    def telling(self, requested: NotificationRequested) -> Telling | None:
        """How this is told, or None when it is not."""
        return self.rows.get((requested.told, requested.channel))


def _closest(rows: Mapping[tuple[str, str], Telling], told: str, channel: str) -> Telling | None:
    own, general = rows.get((told, channel)), rows.get((told, "*"))
    if own is not None or general is None:
        return own
    return Telling(rows.get(("*", channel), general).means, general.template)


def checked(template: str, fields: Collection[str]) -> str:
    """A template that asks for these fields alone; ValueError for one that no event could fill, at the start and not
    in the middle of a batch."""
    odd = {name for _, name, _, _ in Formatter().parse(template) if name is not None} - set(fields)
    if odd:
        raise ValueError(f"{template!r} asks for {sorted(odd)}; there are {', '.join(sorted(fields))}")
    return template


def _told(name: str) -> str:
    return name if name == "*" else Told(name).value


def render(template: str, requested: NotificationRequested) -> str:
    """The words, with the code in Persian digits; a long outcome is cut at a word so that four parts are enough."""
    fields = {
        "code": persian_digits(requested.code),
        "topic": requested.topic_title,
        "unit": persian_digits(requested.unit_title),
    }
    outcome = (requested.outcome or "").rstrip(" .")
    text = template.format(outcome=outcome, **fields)
    while parts(text) > MOST_PARTS and outcome:
        outcome = shorten(outcome, len(outcome) - max(1, units(text) - MOST_PARTS * 67) - 1)
        text = template.format(outcome=outcome, **fields)
    return text


def shorten(text: str, most: int) -> str:
    """At most so many characters, cut at a word, with an ellipsis."""
    cut = text[: max(0, most)]
    return f"{cut.rpartition(' ')[0]}…" if " " in cut else ""


def units(text: str) -> int:
    """Length as the network counts it: septets of GSM 03.38 where every letter is in it, else UTF-16 units."""
    if _GSM.issuperset(text):
        return len(text)
    return len(text.encode("utf-16-le")) // 2


def parts(text: str) -> int:
    """SMS that a text takes: 70 UCS-2 units in one, 67 in each of several; 160 and 153 of GSM letters."""
    one, several = (160, 153) if _GSM.issuperset(text) else (70, 67)
    length = units(text)
    return 1 if length <= one else -(-length // several)
