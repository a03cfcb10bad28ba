"""The training data: labelled lines from several files, the lexicon, names of places, and their hashes."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from routing.features import seen_as, stem, words_of

HERE = Path(__file__).parent / "data"
CATALOGUE = Path(__file__).parent.parent / "data"
MESSAGES = "messages.fa.jsonl"
LINES = ("lines-1.jsonl", "lines-2.jsonl", "lines-3.jsonl", "corrections.jsonl")
SECOND_TEST = "second_test.jsonl"  # measured, never trained on, and so not in the hash
LEXICON = "lexicon.yaml"
GAZETTEER = "gazetteer.csv"


@dataclass(frozen=True, slots=True)
class Line:
    """A labelled text. `kind` and `urgent` are None where nobody said."""

    text: str
    topic: str
    kind: str | None
    urgent: bool | None
    family: str
    source: str


@dataclass(frozen=True)
class Sources:
    """All that the model learns from."""

    topics: Mapping[str, Mapping[str, str]]  # code → its row of the catalogue
    lines: Sequence[Line]
    lexicon: Mapping[str, Sequence[str]]  # topic → phrases
    places: frozenset[str]
    files: Mapping[str, str]  # file → SHA-256

    @property
    def hash(self) -> str:
        """One hash of all files and of how the code reads them, so that a change of folding asks for training too."""
        read = hashlib.sha256()
        for name, digest in sorted(self.files.items()):
            read.update(f"{name} {digest}\n".encode())
        for line in self.lines:
            words = [seen_as(word, self.places) for word in words_of(line.text)]
            read.update(" ".join([*words, *map(stem, words), "\n"]).encode())
        return read.hexdigest()


def read_sources(folder: Path = HERE, catalogue: Path = CATALOGUE) -> Sources:
    """Read what is there; only the catalogue, the messages and the lexicon must be."""
    topics = {row["code"]: row for row in _table(catalogue / "topics.csv")}
    lexicon = {topic: [str(phrase) for phrase in phrases] for topic, phrases in _yaml(folder / LEXICON).items()}
    lines = [line for name in (MESSAGES, *LINES) for line in read_lines(folder / name)]
    if strangers := ({line.topic for line in lines} | set(lexicon)) - topics.keys():
        raise ValueError(f"not in the catalogue: {', '.join(sorted(strangers))}")
    paths = [catalogue / "topics.csv", catalogue / GAZETTEER, *(folder / name for name in (MESSAGES, *LINES, LEXICON))]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.exists()}
    return Sources(topics, lines, lexicon, _places(catalogue / GAZETTEER, lexicon), hashes)


def read_lines(path: Path) -> Sequence[Line]:
    """The lines of one file, none when it is not there. A row without a family is a family of its own."""
    if not path.exists():
        return ()
    rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines() if row.strip()]
    return [_line(row, f"{path.stem}-{number:04d}", path.name) for number, row in enumerate(rows, 1)]


def _line(row: Mapping[str, Any], name: str, source: str) -> Line:
    family = row.get("id") or row.get("family") or name
    return Line(row["text"], row["topic"], row.get("kind"), row.get("urgent"), family, source)


def _places(path: Path, lexicon: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Words that stand only in names of places: those of the gazetteer that no phrase of the lexicon has."""
    if not path.exists():
        return frozenset()
    names = [row["name"] for row in _table(path)]
    told = {stem(word) for phrases in lexicon.values() for phrase in phrases for word in words_of(phrase)}
    return frozenset(word for name in names for word in words_of(name) if len(word) > 2 and stem(word) not in told)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _yaml(path: Path) -> dict[str, list[Any]]:
    loaded: dict[str, list[Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded
