"""YAML as plain text values with the line of each; what people type is not guessed at, and nothing overwrites."""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
Lines = dict[Path, int]
DEEPEST = 20  # lists and fields in one another; some thousands take seconds


class Unreadable(ValueError):
    """The text does not parse, at a line that counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


class _Loader(yaml.BaseLoader):
    """Every scalar stays text: `no`, `5-2` and `1405-10-01` mean what the reader of the value says."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """References are refused: a few of them in one another stand for a text without end."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        if isinstance(event, yaml.events.AliasEvent):
            raise Unreadable(_line(event.start_mark), "write it out: references (*) are not read")
        if self.depth == DEEPEST:
            raise Unreadable(_line(event.start_mark), "it is nested too deeply")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def parse(text: str) -> tuple[Any, Lines]:
    """Dicts, lists and text, and the line of each value by its path; Unreadable for anything else."""
    lines: Lines = {}
    try:
        node = yaml.compose(text, _Loader)
        return (None if node is None else _plain(node, (), lines)), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise Unreadable(_line(mark), f"does not parse: {reason}") from error


def _plain(node: Node, path: Path, lines: Lines) -> Any:
    lines[path] = _line(node.start_mark)
    if isinstance(node, SequenceNode):
        return [_plain(one, (*path, n), lines) for n, one in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return dict(_pairs(node, path, lines))
    return node.value


def _pairs(node: MappingNode, path: Path, lines: Lines) -> Iterator[tuple[str, Any]]:
    seen = set[str]()
    for key, value in node.value:
        line = _line(key.start_mark)
        if not isinstance(key, ScalarNode):
            raise Unreadable(line, "a field has a plain name")
        if key.value in seen:
            raise Unreadable(line, f"{key.value} is given twice")
        seen.add(key.value)
        found = _plain(value, (*path, key.value), lines)
        lines[*path, key.value] = line
        yield key.value, found


def _line(mark: Any) -> int:
    """Of one of the two classes of marks that the library has, or of none."""
    return 1 if mark is None else mark.line + 1
