"""The whole system on one machine: Kafka, PostgreSQL, the four services and the SMS sandbox, brought back when they
die and all ended when we end."""

import asyncio
import importlib.util
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from common.commands import migrate
from common.kafka import create_streams

from workbench.home import SANDBOX, SERVICES, Home
from workbench.kafka import Kafka
from workbench.keys import AUDIENCE, ISSUER, Keys
from workbench.messaging import app_server, messengers
from workbench.ports import free_port
from workbench.postgres import Postgres
from workbench.processes import Child

_BIN = Path(sys.executable).parent
PARTS = ("kafka", "postgres", *SERVICES)
CHECK_EVERY = 0.2  # seconds
# The load of a workbench comes from one citizen; of the limits only that of a device stands.
_UNLIMITED = {
    f"PASOKH_{kind}_{name}": "1000000000" for kind in ("CITIZEN", "CHANNEL") for name in ("PER_MINUTE", "BURST")
}


class Workbench:
    """Everything, or as much of it as a test asks for. With a `base` the ports are fixed, else they are free ones."""

    def __init__(
        self,
        home: Home,
        *,
        base: int | None = None,
        services: Sequence[str] = SERVICES,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.keys = Keys(home.keys)
        self.services = tuple(services)
        self._settings = dict(settings or {})
        names = (*SERVICES, SANDBOX)
        self._ports = {name: base + n if base else free_port() for n, name in enumerate(names, 1)}
        self.kafka = Kafka(home.data("kafka"), port=base + 92 if base else None)
        self.postgres = Postgres(home.data("postgres"))
        self.children: dict[str, Child] = {}
        self._down: set[str] = set()  # ended on purpose: not to be brought back
        self._ending = threading.Event()
        self._lock = threading.RLock()

    def url(self, name: str) -> str:
        """Address of a service or the sandbox."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def environment(self, name: str) -> dict[str, str]:
        """The settings of a process."""
        return {
            "PASOKH_DATABASE": self.postgres.dsn(name),
            "PASOKH_KAFKA": self.kafka.servers,
            "PASOKH_PORT": str(self._ports[name]),
            "PASOKH_AUTH_JWKS": str(self.keys.jwks),
            "PASOKH_AUTH_ISSUER": ISSUER,
            "PASOKH_AUTH_AUDIENCE": AUDIENCE,
            "PASOKH_SEAL_KEYS": str(self.keys.seal_keys),
            "PASOKH_GATEWAY_URL": self.url(SANDBOX),
            "PASOKH_GATEWAY_KEY": "workbench",
            "PASOKH_GATEWAY_SENDER": "1000137",
            "PASOKH_ROUTING_URL": self.url("routing"),
            "PASOKH_ROUTING_TOKEN": str(self.keys.service_token),
            "PASOKH_CALLBACK_OPENS": "00:00",  # so that the demo calls back at any hour
            "PASOKH_CALLBACK_CLOSES": "23:59:59",
            "PASOKH_BOT_LINK": f"{self.url(SANDBOX)}/bot?start={{call}}",
            "PASOKH_APP_LINK": f"{self.url(SANDBOX)}/app?call={{call}}",
            "PASOKH_OPEN311_KEYS": str(self.keys.open311_keys),
            "PASOKH_OPEN311_TYPE": "test",
            "PASOKH_RECEIPT_SECRET": self.keys.receipt_secret,
            **messengers(self.url(SANDBOX), self.keys),
            "PASOKH_FILES_FOLDER": str(self.home.data("files")),
            "PASOKH_FILES_FROM_LOOPBACK": "true",  # the sandbox stands for the platforms
            "PASOKH_SANDBOX_LEDGER": str(self.home.data(SANDBOX) / "ledger.jsonl"),
            "PASOKH_SANDBOX_INTAKE": self.url("intake"),
            "PASOKH_SANDBOX_TOKEN": self.keys.token("bot", hours=24 * 365),
            **_UNLIMITED,
            **self._settings,
        }

    def push_to_app(self) -> None:
        """Tell the app's citizens by its webhook, which the sandbox answers, and not by SMS; before the start."""
        self.keys.make()
        self._settings |= app_server(self.url(SANDBOX), self.keys)

    def start_all(self) -> None:
        """Start everything and wait until it is ready."""
        self.keys.make()
        with ThreadPoolExecutor() as together:
            for started in [together.submit(self.kafka.start), together.submit(self.postgres.start)]:
                started.result()
        self.prepare()
        self.children |= {"kafka": self.kafka.child, "postgres": self.postgres.child}
        for name in (SANDBOX, *self.services):
            self.children[name] = self._child(name)
            self.children[name].start()
        for name in (SANDBOX, *self.services):
            self.wait_ready(name)
        threading.Thread(target=self._bring_back, name="supervisor", daemon=True).start()

    def prepare(self) -> None:
        """Databases, schemas and streams."""
        with ThreadPoolExecutor(1) as thread:  # our caller may have a loop running
            thread.submit(asyncio.run, self.postgres.create_databases(*self.services)).result()
            thread.submit(asyncio.run, create_streams(self.kafka.servers)).result()
        for name in self.services:  # here, for four processes more would take four times the start of Python
            migrate(self.postgres.dsn(name), _package(name))

    def stop_all(self) -> None:
        """End everything in order: services first, so that they drain."""
        self._ending.set()
        with self._lock, ThreadPoolExecutor() as together:
            list(together.map(Child.stop, [self.children[n] for n in (*self.services, SANDBOX) if n in self.children]))
        self.kafka.stop()
        self.postgres.stop()

    def kill(self, name: str) -> None:
        """kill -9; the supervisor brings it back."""
        self.children[name].kill()

    def take_down(self, name: str) -> None:
        """Stop a part until `bring_up`."""
        with self._lock:
            self._down.add(name)
            self.children[name].stop()

    def bring_up(self, name: str) -> None:
        """Start what was taken down, and wait until it is ready."""
        with self._lock:  # else the supervisor would start it a second time
            self._start(name)
            self._down.discard(name)
        self.wait_ready(name)

    def running(self, name: str) -> bool:
        """Whether the process of a part is alive."""
        return name in self.children and self.children[name].running

    def wait_ready(self, name: str, seconds: float = 60) -> None:
        """Until a service says that it can do its work."""
        if name in ("kafka", "postgres"):
            return
        until = time.monotonic() + seconds
        while not _answers(f"{self.url(name)}/readyz"):
            if time.monotonic() > until:
                raise RuntimeError(f"{name} is not ready; the end of its log:\n{self.children[name].tail()}")
            time.sleep(0.05)

    def _child(self, name: str) -> Child:
        command = [sys.executable, "-m", "workbench.sandbox.app"] if name == SANDBOX else [str(_BIN / name)]
        return Child(name, command, self.home.log(name), self.environment(name))

    def _bring_back(self) -> None:
        while not self._ending.wait(CHECK_EVERY):
            with self._lock:
                dead = [n for n, c in self.children.items() if not c.running and n not in self._down]
                for name in [] if self._ending.is_set() else dead:
                    self.children[name].start()

    def _start(self, name: str) -> None:
        if name == "kafka":
            self.kafka.start()
            self.children[name] = self.kafka.child
        elif name == "postgres":
            self.postgres.start()
        else:
            self.children[name].start()

    def __enter__(self) -> Self:
        try:
            self.start_all()
        except BaseException:
            self.stop_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()


def _package(service: str) -> Path:
    """The folder of a service's package; nothing of it is imported but what its migrations name."""
    spec = importlib.util.find_spec(service)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{service} is not installed; run `make setup`")
    return Path(spec.origin).parent


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
