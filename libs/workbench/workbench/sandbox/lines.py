"""Files of lines, appended to while a process may be killed."""

from pathlib import Path


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file, none when there is no such file; a torn last line is cut off there too."""
    if not path.exists():
        return []
    whole = path.read_bytes()
    lines = whole[: whole.rfind(b"\n") + 1]
    if len(lines) < len(whole):  # a kill in the middle of a line: it was not answered
        path.write_bytes(lines)
    return lines.splitlines()
