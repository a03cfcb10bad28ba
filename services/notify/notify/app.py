"""notify: decides whether, how and with which words a citizen is told, and delivers."""

from common import commands
from common.app import Service
from common.consumer import Handlers
from common.events import NotificationRequested, PromptRequested, Stream
from fastapi import FastAPI

from notify import api
from notify.handlers import ask_with, store_requests_with
from notify.post_office import PostOffice, couriers
from notify.prompts import Prompts
from notify.providers.kavenegar import Kavenegar
from notify.sender import Sender
from notify.settings import Settings
from notify.words import Matrix


def create_app(settings: Settings | None = None) -> FastAPI:
    """Notify: the consumer stores the intent, the sender delivers it."""
    settings = settings or Settings()
    service = Service("notify", settings)
    provider = Kavenegar(
        settings.gateway_url, settings.gateway_key, settings.gateway_sender, seconds=settings.gateway_timeout
    )
    sender = Sender(service.database, service.sealer, provider, service.health.pulse("sender"))
    office = PostOffice(sender, couriers(settings, service))
    handlers: Handlers = {
        NotificationRequested: store_requests_with(Matrix.load(), office),
        PromptRequested: ask_with(Prompts.load(), office),
    }
    service.consume(Stream.NOTIFICATIONS, handlers)
    service.run_beside("sender", sender.send_due)
    service.run_beside("receipts", sender.ask_receipts)
    for name, courier in office.couriers.items():
        service.run_beside(f"courier {name}", courier.send_due)
    orphans = service.health.pulse("orphans")
    service.run_beside("orphans", lambda: office.give_back_orphans(service.database, orphans))
    service.finish_with(office.finish)
    service.app.state.receipt_secret = settings.receipt_secret
    service.serve(api.router)
    return service.app


def main() -> None:
    """The command `notify`."""
    commands.run("notify", Settings, create_app, __file__)
