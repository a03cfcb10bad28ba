"""reporting: keeps facts from `activity.v1`, and answers by shift, channel, unit and topic."""

import asyncio
import sys

from common import commands
from common.app import Service
from common.db import Database
from common.events import Stream
from fastapi import FastAPI

from reporting import api
from reporting.handlers import HANDLERS
from reporting.rebuild import StillRunning, rebuild
from reporting.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Reporting: every handler is an upsert; every report is a query."""
    service = Service("reporting", settings or Settings())
    service.consume(Stream.ACTIVITY, HANDLERS)
    service.serve(api.router)
    return service.app


def main() -> None:
    """The command `reporting`; besides every service's, `reporting rebuild`."""
    if sys.argv[1:] == ["rebuild"]:
        asyncio.run(_rebuild(Settings()))
        return
    commands.run("reporting", Settings, create_app, __file__)


async def _rebuild(settings: Settings) -> None:
    database = Database(settings.database, connections=2)
    try:
        await rebuild(database, settings.kafka)
        print("The facts are forgotten; start reporting, and it reads activity.v1 from the beginning.")
    except StillRunning as error:
        sys.exit(str(error))
    finally:
        await database.close()
