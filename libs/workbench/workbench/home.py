"""Where the workbench keeps its state: `PASOKH_HOME`, by default `.pasokh/` of the current folder."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SERVICES = ("intake", "routing", "notify", "reporting")
SANDBOX = "sandbox"
DEFAULT_BASE = 8000


@dataclass(frozen=True)
class Home:
    """The folder and what is where in it."""

    path: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """The folder that the environment names."""
        return cls(Path(os.environ.get("PASOKH_HOME", ".pasokh")).resolve())

    @property
    def keys(self) -> Path:
        """Keys made at the first start."""
        return self.path / "keys"

    def data(self, name: str) -> Path:
        """Data of Kafka, PostgreSQL or the sandbox."""
        return self.path / "data" / name

    def log(self, name: str) -> Path:
        """Log file of a process."""
        return self.path / "logs" / f"{name}.log"

    def lock(self) -> IO[str]:
        """Hold the folder for this process; BlockingIOError, with the holder's words, when another one does."""
        self.path.mkdir(parents=True, exist_ok=True)
        file = (self.path / "running").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise BlockingIOError(holder) from error
        return file


def port_base() -> int:
    """`PASOKH_PORT_BASE`, 8000 by default; every address of the workbench follows from it."""
    return int(os.environ.get("PASOKH_PORT_BASE", DEFAULT_BASE))
