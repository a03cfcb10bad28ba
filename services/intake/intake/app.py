"""intake: takes contacts in, gives codes, loses nothing."""

from common import commands
from common.app import Service
from common.events import Channel
from common.group_commit import GroupCommit
from common.idempotency import forget_old
from fastapi import FastAPI

from intake import api, inspection
from intake.accept import store
from intake.channels.app import api as app
from intake.channels.bale import api as bale
from intake.channels.meta import api as meta
from intake.channels.phone import api as phone
from intake.channels.rubika import api as rubika
from intake.channels.sms import api as sms
from intake.channels.sms import beside as sms_beside
from intake.channels.social import api as social
from intake.channels.telegram import api as telegram
from intake.contact import Reader
from intake.conversation.conversations import converse
from intake.reception import Reception
from intake.routing_client import RoutingClient
from intake.settings import Settings

CHANNELS = {
    Channel.APP: (app.router,),
    Channel.SOCIAL: (
        social.router,
        telegram.router,
        bale.router,
        rubika.router,
        meta.router,
        meta.handshakes,
        sms.router,
    ),
    Channel.PHONE: (phone.router,),
}
BODY_LIMITS = {"/v1/phone/events": 256 * 1024} | meta.BODY_LIMITS  # bytes; 500 call events do not fit into 64 KiB


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
