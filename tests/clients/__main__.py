"""`python -m tests.clients`: PyPI's `three` and npm's `open311` against GeoReport, served by both services.

They are fetched into a temporary folder, from the registries that pip and npm are set to; npm is left out where it is
not installed. `georeport` needs no command: `tests/integration/test_open311_clients.py` runs it.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.integration.open311 import KEY, Open311, an_open311

HERE = Path(__file__).parent
UV = Path(sys.executable).parent / "uv"
# Its XML parsers are fetched from places that are gone, or built for the Node of 2012: it is asked for JSON alone.
NPM = {
    "private": True,
    "dependencies": {"open311": "0.0.12"},
    "overrides": {"sparkxml": "file:./absent", "xml2json": "file:./absent"},
}


async def main() -> None:
    """Serve, fetch, ask."""
    with tempfile.TemporaryDirectory(prefix="pasokh-clients-") as name:
        folder = Path(name)
        keys, postgres = Keys(folder / "keys"), Postgres(folder / "postgres")
        keys.make()
        await asyncio.to_thread(postgres.start)
        try:
            async with an_open311(postgres, "clients", keys, folder) as open311:
                await open311.routing.answered()
                await with_three(open311, folder / "three")
                await with_npm(open311, folder / "npm")
        finally:
            await asyncio.to_thread(postgres.stop)


async def with_three(open311: Open311, folder: Path) -> None:
    """`three` 0.8.0."""
    await run(str(UV), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder), "three==0.8.0")
    await run(sys.executable, str(HERE / "three_client.py"), open311.url, KEY, PYTHONPATH=str(folder))


async def with_npm(open311: Open311, folder: Path) -> None:
    """`open311` 0.0.12."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        print("npm's open311: left out, for npm and node are not here")
        return
    absent = folder / "absent"
    absent.mkdir(parents=True)
    (absent / "package.json").write_text(json.dumps({"name": "absent", "version": "1.0.0", "main": "index.js"}))
    (absent / "index.js").write_text("module.exports = {};\n")
    (folder / "package.json").write_text(json.dumps(NPM))
    shutil.copy(HERE / "open311_client.js", folder)
    await run(npm, "--prefix", str(folder), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    await run(node, str(folder / "open311_client.js"), open311.url, KEY)


async def run(*command: str, **environment: str) -> None:
    """Run it to its end, while we serve; SystemExit when it fails."""
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    if await process.wait():
        raise SystemExit(f"{' '.join(command)} failed")


if __name__ == "__main__":
    asyncio.run(main())
