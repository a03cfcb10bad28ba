"""intake: takes contacts in, gives codes, loses nothing."""

from common import commands
from common.app import Service
from common.events import Channel
from common.group_commit import GroupCommit
from common.idempotency import forget_old
from fastapi import FastAPI

from intake import api
from intake.accept import store
from intake.channels.app import api as app
from intake.channels.phone import api as phone
from intake.channels.phone import wiring as exchange
from intake.channels.social import api as social
from intake.contact import Reader
from intake.reception import Reception
from intake.routing_client import RoutingClient
from intake.settings import Settings

CHANNELS = {Channel.APP: app.router, Channel.SOCIAL: social.router, Channel.PHONE: phone.router}
CALL_EVENTS_LIMIT = 256 * 1024  # bytes; 500 call events do not fit into 64 KiB


def create_app(settings: Settings | None = None) -> FastAPI:
    """Intake: each channel parses its own way, and ends in the same group commit."""
    settings = settings or Settings()
    service = Service("intake", settings, body_limits={"/v1/phone/events": CALL_EVENTS_LIMIT})
    pulse = service.health.pulse("group commit")
    accept = GroupCommit(service.database, store, pulse=pulse, most_waiting=settings.most_waiting)
    service.app.state.reception = Reception(Reader(settings, service.sealer), accept)
    service.app.state.routing = routing = RoutingClient(settings)
    service.finish_with(routing.close)
    service.serve(*(router for channel, router in CHANNELS.items() if settings.serves(channel)), api.router)
    if settings.serves(Channel.PHONE):
        exchange.attach(service, settings)
    service.run_beside("group commit", accept.run)
    forgetting = service.health.pulse("forget old answers")
    service.run_beside("forget old answers", lambda: forget_old(service.database, forgetting))
    return service.app


def main() -> None:
    """The command `intake`."""
    commands.run("intake", Settings, create_app, __file__)
