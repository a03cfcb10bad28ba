"""The house rules as a small linter: what DESIGN and CONTRIBUTING ask of every file, where a machine can see it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVICES = ("intake", "routing", "notify", "reporting")
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
BANNED = {"utils", "util", "helpers", "helper", "managers", "manager", "base", "core", "misc"}
PRODUCERS = {"libs/common/common/relay.py", "libs/common/common/dead_letter.py", "libs/common/common/kafka.py"}
COMMITTERS = {"libs/common/common/db.py", "libs/common/common/consumer.py", "libs/common/common/dead_letter.py"}
COMMITTERS |= {
    "libs/common/common/migrations.py",
    "services/reporting/reporting/rebuild.py",
}  # Kafka's offsets; alembic
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
_SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore)(\S*)\s*(.*)$")
_ADDRESS = re.compile(r"https?://")


def check_source(path: str, source: str) -> Iterator[str]:
    """Breaches in one Python file; `path` is relative to the project."""
    lines = source.count("\n")
    if lines > LONGEST_FILE:
        yield f"{path}: {lines} lines, at most {LONGEST_FILE}"
    if Path(path).stem in BANNED:
        yield f"{path}: a file may not be called {Path(path).stem}"
    tree = ast.parse(source)
    yield from _imports(path, tree)
    yield from _definitions(path, tree)
    yield from _calls(path, tree)
    yield from _lines(path, source)


def _imports(path: str, tree: ast.AST) -> Iterator[str]:
    parts = path.split("/")
    home = parts[1] if parts[0] in ("libs", "services") else None
    if home is None or home == "workbench":
        return
    allowed = {"common"} | ({home} if home in SERVICES else set())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        tops = {name.split(".")[0] for name in names}
        for top in sorted(tops & ({*SERVICES, "common", "workbench"} - allowed)):
            yield f"{path}:{node.lineno}: {home} may not import {top}"


def _definitions(path: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.lower().strip("_") in BANNED and not (node.name == "Base" and path.endswith("models.py")):
            yield f"{path}:{node.lineno}: nothing may be called {node.name}"
        size = (node.end_lineno or node.lineno) - node.lineno + 1
        if not isinstance(node, ast.ClassDef) and size > LONGEST_FUNCTION:
            yield f"{path}:{node.lineno}: {node.name} has {size} lines, at most {LONGEST_FUNCTION}"


def _calls(path: str, tree: ast.AST) -> Iterator[str]:
    if path.startswith(("libs/workbench", "tests/", "tools/")):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("AIOKafkaProducer", "producer") and path not in PRODUCERS:
            yield f"{path}:{node.lineno}: only the relay and the dead-letter writer produce to Kafka"
        if name in ("commit", "begin") and path not in COMMITTERS:
            yield f"{path}:{node.lineno}: only Database.transaction() commits"


def _lines(path: str, source: str) -> Iterator[str]:
    if path == "tools/house_rules.py" or path.startswith("tests/unit/tools"):
        return
    for number, line in enumerate(source.splitlines(), 1):
        if found := _UNFINISHED.search(line):
            yield f"{path}:{number}: unfinished: {found[0]}"
        if (found := _SILENCED.search(line)) and len(found[3].strip("# ")) < 10:
            yield f"{path}:{number}: a silenced check needs its reason beside it"


def check_text(path: str, text: str) -> Iterator[str]:
    """Breaches in other files: locks hold no address."""
    if path.endswith((".lock", "jgo.lock.toml", "package-lock.json")) and _ADDRESS.search(text):
        yield f"{path}: a lock file holds no address"
    if path.endswith("uv.lock"):
        yield f"{path}: uv.lock is not committed; requirements.lock is"


def tracked() -> list[str]:
    """Files under version control, and new ones that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def breaches() -> list[str]:
    """All breaches in the project."""
    found: list[str] = []
    for name in tracked():
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        found += check_source(name, text) if name.endswith(".py") else check_text(name, text)
    return found


if __name__ == "__main__":
    print("\n".join(breaches()))
    sys.exit(1 if breaches() else 0)
