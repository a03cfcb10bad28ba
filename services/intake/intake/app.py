"""intake: takes contacts in, gives codes, loses nothing."""

from common import commands
from common.app import Service
from common.events import Channel
from common.group_commit import GroupCommit
from common.idempotency import forget_old
from fastapi import FastAPI

from intake import api, inspection
from intake.accept import store
from intake.channels import messengers
from intake.channels.app import api as app
from intake.channels.phone import api as phone
from intake.channels.sms import beside as sms_beside
from intake.channels.social import api as social
from intake.contact import Reader
from intake.conversation.conversations import converse
from intake.reception import Reception
from intake.routing_client import RoutingClient
from intake.settings import Settings

CHANNELS = {
    Channel.APP: (app.router,),
    Channel.SOCIAL: (social.router, *messengers.ROUTERS),
    Channel.PHONE: (phone.router,),
}
BODY_LIMITS = {"/v1/phone/events": 256 * 1024} | messengers.BODY_LIMITS  # bytes


def create_app(settings: Settings | None = None) -> FastAPI:
    """Intake: each channel parses its own way, and ends in the same group commit."""
    settings = settings or Settings()
    service = Service("intake", settings, body_limits=BODY_LIMITS)
    pulse = service.health.pulse("group commit")
    accept = GroupCommit(service.database, store, pulse=pulse, most_waiting=settings.most_waiting)
    reader = Reader(settings, service.sealer)
    service.app.state.reception = Reception(reader, accept)
    service.app.state.routing = routing = RoutingClient(settings)
    service.finish_with(routing.close)
    served = [router for channel, routers in CHANNELS.items() if settings.serves(channel) for router in routers]
    service.serve(*served, api.router, inspection.router)
    service.run_beside("group commit", accept.run)
    if settings.serves(Channel.SOCIAL):
        converse(service, reader, settings)
        sms_beside.run(service, settings)
    forgetting = service.health.pulse("forget old answers")
    service.run_beside("forget old answers", lambda: forget_old(service.database, forgetting))
    return service.app


def main() -> None:
    """The command `intake`."""
    commands.run("intake", Settings, create_app, __file__)
