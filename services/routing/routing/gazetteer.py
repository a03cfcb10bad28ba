"""The place names of `data/gazetteer.csv`, by the words that spell them."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product

from common.folding import fold

from routing.regions import data_rows

REGIONS = range(1, 23)
# What a name may stand after; the column `needs` names these groups.
_KINDS: Mapping[str, str] = {
    "محله": "محله محل محدوده",
    "خیابان": "خیابان خیابون خ خیابانه",
    "میدان": "میدان میدون فلکه",
    "بلوار": "بلوار بولوار",
    "بزرگراه": "بزرگراه اتوبان آزادراه",
    "پارک": "پارک بوستان",
    "شهرک": "شهرک کوی",
    "مترو": "مترو متروی ایستگاه",
    "ایستگاه": "ایستگاه",
    "پل": "پل زیرگذر روگذر",
    "تونل": "تونل",
    "چهارراه": "چهارراه چارراه سه‌راه راه تقاطع",
    "سه راه": "سه‌راه راه",
    "روستا": "روستای روستا ده",
    "امامزاده": "امامزاده",
    "زندان": "زندان",
    "ورزشگاه": "ورزشگاه استادیوم مجموعه",
    "فرهنگسرا": "فرهنگسرا فرهنگسرای",
    "مجتمع": "مجتمع پاساژ",
    "کارخانه": "کارخانه شرکت",
}
_LINKS = ("ه", "و", "ی", "م")  # نارمکه, تجریشو, تجریشی, نارمکم: "it is", the object, the ezafe, "I am in"
_LINKS_OF_HEH = ("ام", "ایم", "ست")  # خزانه‌ام, خزانه‌ایم
_LINKED = 4  # letters of the shortest name that may have one


@dataclass(frozen=True, slots=True)
class Name:
    """A row of the gazetteer: where it lies, and what else a text that names it may mean."""

    name: str
    kind: str
    region: int | None  # which one it decides; None when it decides nothing alone
    regions: Set[int]  # all that it may lie in
    needs: Set[str]  # folded words of which one must stand before it; empty when the name is enough


Tails = Sequence[tuple[list[str], Sequence[Name]]]


def read_gazetteer() -> Mapping[str, Tails]:
    """First word of a name → what follows it, the longest first, and whose name that is.

    ValueError when a row names no region of the city, or a `needs` that is not known.
    """
    spelled: dict[tuple[str, ...], list[Name]] = {}
    for row in data_rows("gazetteer.csv"):
        name = _name(row)
        for words in _spellings(row):
            spelled.setdefault(words, []).append(name)
    for words, names in list(spelled.items()):
        plain = [name for name in names if not name.needs]
        for linked in _linked(words) if plain else ():
            spelled.setdefault(linked, plain)
    return _by_head(spelled)


def _by_head(spelled: Mapping[tuple[str, ...], Sequence[Name]]) -> Mapping[str, Tails]:
    heads: dict[str, list[tuple[list[str], Sequence[Name]]]] = {}
    for words, names in sorted(spelled.items(), key=lambda item: -len(item[0])):
        heads.setdefault(words[0], []).append((list(words[1:]), names))
    return heads


def _name(row: Mapping[str, str]) -> Name:
    region = int(row["region"]) if row["region"] else None
    regions = frozenset(map(int, row["also"].split())) | ({region} if region else set())
    needs = [kind for kind in row["needs"].split("|") if kind]
    if not regions or not regions <= set(REGIONS):
        raise ValueError(f"gazetteer: {row['name']} lies in {sorted(regions)}, not in regions 1 to 22")
    if unknown := set(needs) - set(_KINDS):
        raise ValueError(f"gazetteer: {row['name']} needs {sorted(unknown)}, which is none of {sorted(_KINDS)}")
    words = frozenset(fold(word) for kind in needs for word in _KINDS[kind].split())
    return Name(row["name"], row["kind"], region, regions, words)


def _spellings(row: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """The name and its aliases, each with every gap between its words open or closed, as folded words."""
    ways = {way for name in _names(row) for way in _joins(name.split())}
    yield from sorted({tuple(fold(way).split()) for way in ways})


def _names(row: Mapping[str, str]) -> list[str]:
    names = [row["name"], *(alias for alias in row["aliases"].split("|") if alias)]
    return names + [name.replace("پارک ", "بوستان ", 1) for name in names if name.startswith("پارک ")]


def _joins(words: Sequence[str]) -> Iterator[str]:
    for gaps in product(("", " "), repeat=max(len(words) - 1, 0)):
        yield "".join(word + gap for word, gap in zip(words, (*gaps, ""), strict=True))


def _linked(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The spelling with letters hung on; not where they could be the name's own (فاطمی, فاطمیه)."""
    *front, last = words
    if len(last) < _LINKED or last[-1] in "یاو":
        return
    yield from ((*front, last + link) for link in (_LINKS_OF_HEH if last[-1] == "ه" else _LINKS))
