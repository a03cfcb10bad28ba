"""Corrected cases become training lines: `python -m routing.training corrections FILE`."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from common.events import Kind

from routing.training.sources import HERE

FILE = "corrections.jsonl"
_KEPT = ("text", "topic", "kind", "urgent", "region", "family")


def import_corrections(source: Path, topics: Collection[str], folder: Path = HERE) -> int:
    """Add the rows of a file (see the README of the data) to the corrections and return how many were new.

    A text that was corrected before takes its later topic. ValueError names the first row that is none.
    """
    target = folder / FILE
    known = {row["text"]: row for row in _rows(target, topics)} if target.exists() else {}
    fresh = {row["text"]: row for row in _rows(source, topics)}
    added = sum(known.get(text) != row for text, row in fresh.items())
    rows = (json.dumps(row, ensure_ascii=False) for row in {**known, **fresh}.values())
    target.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return added


def _rows(path: Path, topics: Collection[str]) -> list[Mapping[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_row(line, f"{path.name} line {number}", topics) for number, line in enumerate(lines, 1) if line.strip()]


def _row(line: str, where: str, topics: Collection[str]) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise ValueError(f"{where} is not JSON") from None
    if not isinstance(row, dict) or not str(row.get("text") or "").strip():
        raise ValueError(f"{where} has no text")
    if row.get("topic") not in topics:
        raise ValueError(f"{where}: {row.get('topic')} is no topic of the catalogue")
    if row.get("kind") is not None and row["kind"] not in list(Kind):
        raise ValueError(f"{where}: {row['kind']} is no kind")
    return {key: row[key] for key in _KEPT if row.get(key) is not None}
