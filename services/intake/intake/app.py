"""intake: takes contacts in, gives codes, loses nothing."""

from common import commands
from common.app import Service
from common.events import Channel
from common.idempotency import forget_old
from fastapi import FastAPI

from intake import api, inspection
from intake.attachments import api as attachments
from intake.attachments import shelf, upload_api
from intake.attachments.content import LARGEST
from intake.channels import messengers
from intake.channels.app import api as app
from intake.channels.app import own_api, photos
from intake.channels.phone import api as phone
from intake.channels.phone import wiring as exchange
from intake.channels.social import api as social
from intake.open311 import api as open311
from intake.open311.desk import Desk
from intake.reception import open_reception
from intake.routing_client import RoutingClient
from intake.settings import Settings
from intake.topics import Topics

CHANNELS = {
    Channel.APP: (app.router, own_api.router, open311.router),
    Channel.SOCIAL: (social.router, *messengers.ROUTERS),
    Channel.PHONE: (phone.router,),
}
BODY_LIMITS = {  # bytes; else 64 KiB
    "/v1/phone/events": 256 * 1024,  # 500 call events
    "/v1/uploads/": LARGEST,
    f"/v1/app/messages {photos.MULTIPART}": photos.BODY_LIMIT,
    **messengers.BODY_LIMITS,
}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Intake: each channel parses its own way, and ends in the same group commit."""
    settings = settings or Settings()
    service = Service("intake", settings, body_limits=BODY_LIMITS)
    reader, state = open_reception(service, settings), service.app.state
    state.routing = routing = RoutingClient(settings)
    state.topics = topics = Topics(routing.get)
    state.open311 = Desk.of(settings, routing, topics, service.database)
    state.shelf = shelf.put_up(service, settings)
    served = [router for channel, routers in CHANNELS.items() if settings.serves(channel) for router in routers]
    service.serve(*served, api.router, inspection.router, attachments.router, upload_api.router)
    if settings.serves(Channel.PHONE):
        exchange.attach(service, settings)
    if settings.serves(Channel.SOCIAL):
        messengers.attach(service, settings, reader)
    forgetting = service.health.pulse("forget old answers")
    service.run_beside("forget old answers", lambda: forget_old(service.database, forgetting))
    service.finish_with(topics.close)
    service.finish_with(routing.close)
    return service.app


def main() -> None:
    """The command `intake`."""
    commands.run("intake", Settings, create_app, __file__)
