"""The command `workbench`: the whole system on one machine."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer
from common.auth import Role
from rich.console import Console
from rich.table import Table

from workbench.chaos import storm
from workbench.demo import play
from workbench.home import SANDBOX, SERVICES, Home, port_base
from workbench.keys import Keys
from workbench.load import Target, numbered, percentile, post_all
from workbench.system import Workbench

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console()


@contextmanager
def running(home: Home, *, base: int | None) -> Iterator[Workbench]:
    """The system under a home that nobody else holds."""
    try:
        lock = home.lock()
    except BlockingIOError as error:
        console.print(f"A workbench is running already ({error}). Stop it first, or choose another PASOKH_HOME.")
        raise typer.Exit(1) from error
    bench = Workbench(home, base=base)
    with lock:
        lock.truncate(0)
        lock.write(f"pid {os.getpid()}, intake at {bench.url('intake')}")
        lock.flush()
        try:
            with console.status("starting Kafka, PostgreSQL and the services (a first start downloads 46 jars) …"):
                bench.start_all()
            yield bench
        finally:
            bench.stop_all()


@app.command()
def up() -> None:
    """Run everything in the foreground until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(Home.from_environment(), base=port_base()) as bench:
            _print_addresses(bench)
            signal.pause()
    except KeyboardInterrupt:
        console.print("ended")


def _print_addresses(bench: Workbench) -> None:
    table = Table("", "address", "documentation")
    for name in SERVICES:
        table.add_row(name, bench.url(name), f"{bench.url(name)}/docs")
    table.add_row("SMS sandbox", bench.url(SANDBOX), "")
    table.add_row("Kafka", bench.kafka.servers, "")
    console.print(table)
    for role in Role:
        unit = "region-5" if role is Role.STAFF else None
        token = bench.keys.token(role, unit=unit, citizen="citizen-1" if role is Role.APP else None)
        console.print(f"[bold]{role}[/] {token}", soft_wrap=True)
    console.print("Ctrl-C ends it all; `workbench token --role operator` prints another token.")


@app.command()
def demo() -> None:
    """Play one day of a simulated city; exit status 1 when a figure does not reconcile."""
    with running(Home.from_environment(), base=port_base()) as bench:
        good = asyncio.run(play(bench, console))
    raise typer.Exit(0 if good else 1)


@app.command()
def token(
    role: Annotated[Role, typer.Option()],
    unit: Annotated[str | None, typer.Option()] = None,
    citizen: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Print a token and nothing else."""
    keys = Keys(Home.from_environment().keys)
    keys.make()
    print(keys.token(role, unit=unit, citizen=citizen))


@app.command()
def status() -> None:
    """Say whether a workbench runs."""
    home = Home.from_environment()
    try:
        home.lock().close()
    except BlockingIOError as error:
        print(f"running: {error}")
        return
    print("not running")
    raise typer.Exit(1)


@app.command()
def load(
    messages: Annotated[int, typer.Option()] = 10_000,
    rate: Annotated[float | None, typer.Option(help="messages a second; none: as fast as possible")] = None,
    connections: Annotated[int, typer.Option()] = 64,
) -> None:
    """Post messages to the workbench that `up` runs."""
    home = Home.from_environment()
    bench = Workbench(home, base=port_base())
    target = Target(f"{bench.url('intake')}/v1/app/messages", bench.keys.token("app", citizen="load"))
    body: dict[str, object] = {"text": "جوی آب جلوی خانه گرفته است", "topic": "US-GUTTER", "place": {"region": 5}}
    posts = list(numbered(body, messages, f"load-{os.getpid()}"))
    accepted = asyncio.run(post_all(target, posts, connections=connections, rate=rate))
    seconds = [a.seconds for a in accepted]
    shown = {name: round(percentile(seconds, share) * 1000, 1) for name, share in (("p50", 0.5), ("p99", 0.99))}
    print(orjson.dumps({"accepted": len(accepted), "ms": shown}).decode())


@app.command()
def chaos(
    messages: Annotated[int, typer.Option()] = 2000,
    rounds: Annotated[int, typer.Option()] = 6,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Kill parts at random under load, in a system of its own; exit status 1 when anything is lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="pasokh-chaos-") as folder, running(Home(Path(folder)), base=None) as bench:
        good = asyncio.run(storm(bench, messages=messages, rounds=rounds, seed=seed))
    raise typer.Exit(0 if good else 1)


@app.command()
def migrate() -> None:
    """Bring every service's database to its newest schema."""
    bench = Workbench(Home.from_environment(), base=port_base())
    bench.keys.make()
    bench.kafka.start()
    bench.postgres.start()
    try:
        bench.prepare()
    finally:
        bench.stop_all()


@app.command()
def reset() -> None:
    """Delete the workbench's state."""
    home = Home.from_environment()
    try:
        home.lock().close()
    except BlockingIOError as error:
        print(f"running: {error}; stop it first", file=sys.stderr)
        raise typer.Exit(1) from error
    shutil.rmtree(home.path, ignore_errors=True)
    print(f"{home.path} is gone")


def main() -> None:
    """The command `workbench`."""
    app()
