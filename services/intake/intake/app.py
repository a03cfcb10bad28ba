"""intake: takes contacts in, gives codes, loses nothing."""

from common import commands
from common.app import Service
from common.events import Channel
from common.group_commit import GroupCommit
from common.idempotency import forget_old
from fastapi import FastAPI

from intake import api, inspection
from intake.accept import store
from intake.attachments import api as attachments
from intake.attachments import shelf, upload_api
from intake.attachments.content import LARGEST
from intake.attachments.files import Files
from intake.channels import messengers
from intake.channels.app import api as app
from intake.channels.app import own_api, photos
from intake.channels.phone import api as phone
from intake.channels.phone import wiring as exchange
from intake.channels.sms import beside as sms_beside
from intake.channels.social import api as social
from intake.contact import Reader, is_urgent
from intake.conversation.conversations import converse
from intake.limits import Limits
from intake.open311 import api as open311
from intake.open311.desk import Desk
from intake.reception import Reception
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
    pulse = service.health.pulse("group commit")
    accept = GroupCommit(service.database, store, pulse=pulse, most_waiting=settings.most_waiting, goes_first=is_urgent)
    reader, limits = Reader(settings, service.sealer), Limits.of(settings)
    service.app.state.limits = limits
    service.app.state.reception = Reception(reader, accept, limits)
    service.app.state.routing = routing = RoutingClient(settings)
    service.app.state.topics = topics = Topics(routing.get)
    service.app.state.open311 = Desk.of(settings, routing, topics, service.database)
    service.finish_with(topics.close)
    service.finish_with(routing.close)
    service.app.state.shelf = shelf.put_up(service, settings)
    served = [router for channel, routers in CHANNELS.items() if settings.serves(channel) for router in routers]
    service.serve(*served, api.router, inspection.router, attachments.router, upload_api.router)
    if settings.serves(Channel.PHONE):
        exchange.attach(service, settings)
    service.run_beside("group commit", accept.run)
    if settings.serves(Channel.SOCIAL):
        converse(service, reader, settings, note_files=Files(service.sealer).note)
        sms_beside.run(service, settings)
    forgetting = service.health.pulse("forget old answers")
    service.run_beside("forget old answers", lambda: forget_old(service.database, forgetting))
    return service.app


def main() -> None:
    """The command `intake`."""
    commands.run("intake", Settings, create_app, __file__)
