"""The neighbouring municipality that a text names as its place: at its beginning, for elsewhere it may be where its
citizen lives or works."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Self

from common.folding import fold

from routing.regions import Neighbour

_GREETINGS = frozenset("سلام درود علیکم عرض با احترام وقت وقتتون بخیر خسته نباشید نباشین و".split())
_IN = frozenset("در تو توی داخل".split())
_TOWN = frozenset("شهر شهرستان شهرداری شهرجدید".split())
_CITY = "تهران"  # where a text names both, "اتوبان تهران کرج", the neighbour is no more than a direction
# After these it is a direction, or where the citizen lives and not what the text is about.
_ONWARD = frozenset("به تا سمت نیست نه و زندگی ساکن ساکنم ساکنیم میشینم میشینیم کار میام میایم".split())
_PARTS = frozenset("فاز خیابان خ بلوار میدان".split())  # what tells a town from its namesakes


@dataclass(frozen=True)
class Outskirts:
    """The names of the municipalities around, as folded words, by their first word."""

    heads: Mapping[str, Sequence[tuple[list[str], Neighbour]]]

    @classmethod
    def of(cls, neighbours: Sequence[Neighbour]) -> Self:
        """Of the municipalities of `data/neighbours.csv`."""
        heads: dict[str, list[tuple[list[str], Neighbour]]] = {}
        for neighbour in neighbours:
            for spelling in {fold(neighbour.name), fold(neighbour.name.replace(" ", ""))}:
                first, *rest = spelling.split()
                heads.setdefault(first, []).append((rest, neighbour))
        return cls(heads)

    def named(self, words: Sequence[str]) -> str | None:
        """The name of the municipality that the words of a folded text name as their place."""
        if self.heads.keys().isdisjoint(words) or _CITY in words:
            return None
        starts = (at for at, word in enumerate(words) if word in self.heads)
        return next((name for at in starts if (name := self._at(words, at))), None)

    def _at(self, words: Sequence[str], at: int) -> str | None:
        for rest, neighbour in self.heads[words[at]]:
            end = at + 1 + len(rest)
            if words[at + 1 : end] == rest and _is_place(words, at, end, namesakes=neighbour.namesakes):
                return neighbour.name
        return None


def _is_place(words: Sequence[str], at: int, end: int, *, namesakes: bool) -> bool:
    called_town = at > 0 and words[at - 1] in _TOWN
    before = words[: at - 1] if called_town else words[:at]
    opens = _GREETINGS.issuperset(before[:-1] if before and before[-1] in _IN else before)
    return (
        opens and not _next_in(words, end, _ONWARD) and (not namesakes or called_town or _next_in(words, end, _PARTS))
    )


def _next_in(words: Sequence[str], end: int, some: Set[str]) -> bool:
    return end < len(words) and words[end] in some
