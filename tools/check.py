"""`make check`: every check, one line each; it goes on after a failure and fails at the end.

`--write` writes the generated documents instead of comparing them.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from workbench.postgres import Postgres

from tools import asyncapi, house_rules, manifests

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SERVICES = house_rules.SERVICES
CODE = ["libs", "services", "tests", "tools"]
WRITE = "--write" in sys.argv


def run(*command: str, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    """What a failing command printed; nothing when it is content."""
    env = {**os.environ, **(environment or {})}
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=cwd, env=env, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def alembic() -> str:
    """Migrations and models say the same, against a real PostgreSQL."""
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pasokh-check-") as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        try:
            for service in SERVICES:
                address = asyncio.run(postgres.new_database(service))
                where = ROOT / "services" / service
                commands = (("alembic", "upgrade", "head"), ("alembic", "check"))
                found += [run(*command, cwd=where, environment={"PASOKH_DATABASE": address}) for command in commands]
        finally:
            postgres.stop()
    return "".join(found)


def documents() -> str:
    """OpenAPI and AsyncAPI documents are those of the code."""
    found = []
    made = {ROOT / "docs" / "asyncapi.yaml": asyncapi.document()}
    for service in SERVICES:
        done = subprocess.run([str(BIN / service), "openapi"], capture_output=True, text=True, check=True)
        made[ROOT / "docs" / "openapi" / f"{service}.json"] = done.stdout
    for path, text in made.items():
        if WRITE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            found.append(f"{path.relative_to(ROOT)} differs from the code; run .venv/bin/python -m tools.check --write")
    return "\n".join(found)


CHECKS: dict[str, Callable[[], str]] = {
    "format": lambda: run("ruff", "format", "--check", "."),
    "lint": lambda: run("ruff", "check", "."),
    "types": lambda: run("mypy", *CODE),
    "house rules": lambda: "\n".join(house_rules.breaches()),
    "alembic": alembic,
    "documents": documents,
    "compose": manifests.check_compose,
    "kubernetes": manifests.check_kubernetes,
}


def main() -> int:
    """Run them all; 1 when any failed."""
    failed = 0
    for name, check in CHECKS.items():
        started = time.monotonic()
        complaint = check().strip()
        failed += bool(complaint)
        print(f"{name:<12} {'failed' if complaint else 'ok'} in {time.monotonic() - started:.1f} s", flush=True)
        if complaint:
            print(complaint, flush=True)
    print(f"check: {len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
