"""One process of the workbench: started so that it dies with us, killed hard for chaos, stopped in order."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOG_BYTES = 50_000_000
# Linux sends the death signal when the *thread* that started the child ends, so one thread starts them all.
_spawner = ThreadPoolExecutor(1, "spawner")


def _die_with_parent() -> None:
    """In the child: Linux ends it when the process that started it is gone, even after a kill -9."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A command with its log file; started and ended any number of times."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process, or None."""
        return self.process.pid if self.running and self.process else None

    @property
    def running(self) -> bool:
        """Whether it is alive."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it unless it runs; a log over 50 MB begins anew, with the old one kept beside."""
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.rename(self.log.with_suffix(".log.1"))
        self.process = _spawner.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={**os.environ, **self.environment},
                preexec_fn=_die_with_parent,
                start_new_session=True,  # Ctrl-C is ours to pass on, in order
            )

    def kill(self) -> None:
        """SIGKILL, as the machine would."""
        if self.process is not None and self.running:
            self.process.kill()
            self.process.wait()

    def stop(self, *, how: signal.Signals = signal.SIGTERM, seconds: float = 25) -> None:
        """End it in order, or hard when it takes too long."""
        if self.process is None or not self.running:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, lines: int = 15) -> str:
        """The end of its log, for an error that a person reads."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def wait_until(what: str, ready: Callable[[], bool], child: Child, seconds: float = 60) -> None:
    """Wait for a child to be ready; RuntimeError with the end of its log when it dies or takes too long."""
    until = time.monotonic() + seconds
    while not ready():
        if not child.running:
            raise RuntimeError(f"{what} ended while starting; the end of {child.log}:\n{child.tail()}")
        if time.monotonic() > until:
            raise RuntimeError(f"{what} is not ready after {seconds:.0f} s; the end of {child.log}:\n{child.tail()}")
        time.sleep(0.02)
