"""The command of a service: serve it, or look after what it owns.

routing                          serve
routing migrate                  bring its database to the newest schema
routing streams                  create the Kafka streams that are missing
routing republish --since T      publish again what the outbox holds since T (ISO 8601)
routing dead-letters             print its dead letters, one JSON line each
routing replay [FILE]            send mended lines (FILE or -), or every dead letter that is readable by now
routing openapi                  print the OpenAPI document
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import uvicorn
from alembic import command
from alembic.config import Config
from fastapi import FastAPI
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from common import dead_letter, kafka, outbox
from common.db import Database
from common.events import Stream
from common.health import Health
from common.sealed import new_keys
from common.settings import ServiceSettings


class _KafkaSettings(BaseSettings):
    """What `streams` needs, and no more."""

    model_config = SettingsConfigDict(env_prefix="PASOKH_")

    kafka: str
    replication: int = 1


def run(name: str, settings: type[ServiceSettings], create_app: Callable[..., FastAPI], package: str) -> None:
    """Do what the command line says for one service; `package` is the file of its `app.py`."""
    arguments = _parse(name)
    if arguments.command == "streams":
        _create_streams()
        return
    if arguments.command == "seal-keys":
        print(new_keys())
        return
    if arguments.command == "openapi":
        print(orjson.dumps(create_app(documentation(settings)).openapi(), option=orjson.OPT_INDENT_2).decode())
        return
    chosen = _read(settings)
    if arguments.command == "serve":
        serve(create_app(chosen), chosen)
    elif arguments.command == "migrate":
        migrate(chosen.database, Path(package).parent)
    elif arguments.command == "republish":
        print(f"{asyncio.run(_republish(chosen.database, arguments.since))} events are pending again")
    else:
        asyncio.run(_dead_letters(name, chosen, arguments))


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Serve until SIGTERM; exit status 1 when one of the service's tasks died."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        backlog=2048,
    )
    server = _Server(config, app.state.service.health)
    with contextlib.suppress(KeyboardInterrupt):  # it is raised again when all is done
        server.run()
    if not server.started or getattr(app.state, "failed", False):
        sys.exit(1)


class _Server(uvicorn.Server):
    """Says at the first signal that the service stops: the server waits for every answer, and a stream has no end."""

    def __init__(self, config: uvicorn.Config, health: Health) -> None:
        super().__init__(config)
        self._health = health

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._health.stopping = True
        super().handle_exit(sig, frame)


def migrate(database: str, package: Path) -> None:
    """Bring a database to the newest schema of a service."""
    config = Config()
    config.set_main_option("script_location", str(package / "migrations"))
    config.attributes["database"] = database
    command.upgrade(config, "head")


def documentation(settings: type[ServiceSettings]) -> ServiceSettings:
    """Settings with which a service can be described, but not run: no address in them leads anywhere."""
    keys = Path(tempfile.mkdtemp()) / "keys.json"
    keys.write_text(new_keys())
    values: dict[str, Any] = {
        name: "documentation" for name, field in settings.model_fields.items() if field.is_required()
    }
    values |= {"database": "postgresql://documentation@localhost/documentation", "seal_keys": keys}
    return settings.model_construct(None, **values)


def _parse(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=name, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    parser.set_defaults(command="serve", file=None)
    for command_name in ("serve", "migrate", "streams", "openapi", "seal-keys", "dead-letters"):
        commands.add_parser(command_name)
    republish = commands.add_parser("republish")
    republish.add_argument("--since", type=datetime.fromisoformat, required=True)
    replay = commands.add_parser("replay")
    replay.add_argument("file", nargs="?", type=argparse.FileType("r"))
    return parser.parse_args()


def _read(settings: type[ServiceSettings]) -> ServiceSettings:
    try:
        return settings()
    except ValidationError as error:
        missing = ", ".join(f"PASOKH_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        sys.exit(f"These settings are missing or wrong (docs/operations.md lists them all): {missing}")


def _create_streams() -> None:
    settings = _KafkaSettings()
    created = asyncio.run(kafka.create_streams(settings.kafka, settings.replication))
    print(f"created: {', '.join(created) or 'nothing, all streams exist'}")


async def _republish(address: str, since: datetime) -> int:
    database = Database(address, connections=1)
    try:
        async with database.transaction() as tx:
            count = await outbox.republish(tx.driver, since.astimezone())
            await tx.execute(f"NOTIFY {outbox.CHANNEL}")
        return count
    finally:
        await database.close()


async def _dead_letters(name: str, settings: ServiceSettings, arguments: argparse.Namespace) -> None:
    streams = CONSUMED_BY.get(name)
    if streams is None:
        sys.exit(f"{name} consumes no stream")
    if arguments.file is not None:
        print(f"{await dead_letter.replay_lines(settings.kafka, streams[0], arguments.file)} records sent again")
        return
    for stream in streams:
        if arguments.command == "dead-letters":
            async for record in dead_letter.read(settings.kafka, stream):
                print(dead_letter.as_line(record))
        else:
            again, left = await dead_letter.replay_readable(settings.kafka, name, stream)
            print(f"{again} records sent again, {left} are not readable yet and stay in {stream.dead_letters}")


CONSUMED_BY = {
    "routing": (Stream.MESSAGES, Stream.URGENT),
    "notify": (Stream.NOTIFICATIONS,),
    "reporting": (Stream.ACTIVITY,),
}
