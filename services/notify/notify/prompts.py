"""What a channel says to a citizen outside a case: `data/prompts.csv`, which the city edits."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from common.events import Channel, Prompt, PromptRequested
from common.persian import persian_digits

from notify.means import CHAT, PUSH, SMS
from notify.words import checked

BY_CHANNEL = {Channel.PHONE: SMS, Channel.SOCIAL: CHAT, Channel.APP: PUSH}
OFFERS = frozenset({"", "location", "contact"})
FIELDS = frozenset({"code", "url", "at"})
_AS_GIVEN = frozenset({"url"})  # an address keeps its digits


@dataclass(frozen=True, slots=True)
class Words:
    """A prompt's words, and the button that a messenger shows beside them."""

    template: str
    offer: str | None


@dataclass(frozen=True)
class Prompts:
    """Prompt → words."""

    rows: Mapping[Prompt, Words]

    @classmethod
    def load(cls) -> "Prompts":
        """Read the table; ValueError where a prompt has no words or a button is not one."""
        text = (files("notify") / "data" / "prompts.csv").read_text(encoding="utf-8")
        rows = list(csv.DictReader(text.splitlines()))
        words = {Prompt(row["prompt"]): Words(checked(row["words"], FIELDS), row["offer"] or None) for row in rows}
        if missing := set(Prompt) - words.keys():
            raise ValueError(f"prompts.csv has no words for {sorted(missing)}")
        if odd := {row["offer"] for row in rows} - OFFERS:
            raise ValueError(f"prompts.csv offers {sorted(odd)}, which nothing shows")
        return cls(words)

    def render(self, requested: PromptRequested) -> str:
        """The words, digits in Persian; a value that was not given leaves a gap, not an error."""
        shown = {n: v if n in _AS_GIVEN else persian_digits(v) for n, v in requested.values.items()}
        return self.rows[requested.prompt].template.format_map(_Shown(shown)).strip()


class _Shown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""
