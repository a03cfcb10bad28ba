"""`python -m routing.training`: train, measure, and replace the model unless it got worse. See `--help`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from routing.training.check import check
from routing.training.corrections import import_corrections
from routing.training.sources import read_sources


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what it was asked."""
    asked = _parser().parse_args(arguments)
    if asked.command == "corrections":
        return _corrections(asked.file)
    if asked.check:
        return _check()
    return _train(force=asked.force, confusions=asked.confusions)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m routing.training", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whether the model belongs to the data; train nothing")
    parser.add_argument("--force", action="store_true", help="replace the model even if it got worse")
    parser.add_argument("--confusions", action="store_true", help="print the ten worst pairs of topics with examples")
    commands = parser.add_subparsers(dest="command")
    corrections = commands.add_parser("corrections", help="add corrected cases, one JSON object a line, to the lines")
    corrections.add_argument("file", type=Path)
    return parser


def _check() -> int:
    wrong = check()
    print(wrong or "the model belongs to the data")
    return 1 if wrong else 0


def _train(*, force: bool, confusions: bool) -> int:
    from routing.training.run import train  # with scikit-learn, which takes 2 s and only training needs

    began = time.monotonic()
    replaced = train(force=force, confusions=confusions)
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if replaced else 1


def _corrections(file: Path) -> int:
    try:
        added = import_corrections(file, read_sources().topics)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{added} corrections are new; `make model` trains on them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
