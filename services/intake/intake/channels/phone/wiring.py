"""What runs beside the phone channel's routes."""

from datetime import timedelta

from common.app import Service

from intake.channels.phone import cti_api, desk_api, overflow_api
from intake.channels.phone.exchange import Exchange, Login
from intake.channels.phone.keeping import keep_callbacks
from intake.channels.phone.lost import sweep_lost
from intake.channels.phone.queue_watch import QueueWatch
from intake.channels.phone.ways import Ways
from intake.settings import Settings


def attach(service: Service, settings: Settings) -> None:
    """The CTI webhook, the queues' watch, the search for lost calls, and the exchange where there is one."""
    service.app.state.cti_secret = cti_api.read_secret(settings.cti_secret)
    service.serve(cti_api.router, overflow_api.router, desk_api.router)
    service.app.state.ways = ways = Ways.of(settings, service.sealer)
    keeping = service.health.pulse("callbacks")
    service.run_beside("callbacks", lambda: keep_callbacks(service.database, ways, keeping))
    service.app.state.queue_watch = watch = QueueWatch(service.database, service.health)
    service.run_beside("queue watch", watch.run)
    losing, after = service.health.pulse("lost calls"), timedelta(seconds=settings.call_lost_seconds)
    service.run_beside("lost calls", lambda: sweep_lost(service.database, service.sealer, after, losing))
    if settings.ami is not None:
        exchange = Exchange(
            _login(settings.ami, settings), service.database, service.sealer, service.health.pulse("ami")
        )
        service.run_beside("ami", exchange.run)
        service.finish_with(exchange.flush)


def _login(address: str, settings: Settings) -> Login:
    if settings.ami_secret is None:
        raise ValueError("PASOKH_AMI needs PASOKH_AMI_SECRET, a file with the secret of its user")
    secret = settings.ami_secret.read_text().strip()
    return Login(address, settings.ami_user, secret, settings.ami_reconcile_seconds)
