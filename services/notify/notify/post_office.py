"""All senders together: SMS, a courier for each messenger's account, and one for the app's webhook."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property

from common.app import Service
from common.db import Database
from common.errors import is_transient
from common.health import Pulse

from notify.courier import Courier, give_back_orphans
from notify.limits import Pace
from notify.means import PUSH, Reach
from notify.providers import app_webhook, bots, meta, rubika
from notify.providers.app_webhook import AppWebhook
from notify.providers.outcome import Messenger
from notify.sender import Sender
from notify.settings import Settings

log = logging.getLogger(__name__)
ORPHAN_SECONDS = 60.0


class PostOffice:
    """Whoever delivers; the handlers store for them."""

    def __init__(self, sms: Sender, couriers: Iterable[Courier] = ()) -> None:
        self.sms = sms
        self.couriers: Mapping[str, Courier] = {courier.name: courier for courier in couriers}

    @cached_property
    def reach(self) -> Reach:
        """The means that there are."""
        return Reach(tuple(self.couriers))

    async def finish(self) -> None:
        """At the end of the process: what is under way is noted, what is in memory given back."""
        await asyncio.gather(self.sms.release(), *(courier.finish() for courier in self.couriers.values()))

    async def give_back_orphans(self, database: Database, pulse: Pulse) -> None:
        """Look, for as long as the service runs, for what is due by means that are no longer set."""
        while True:
            pulse.beat()
            try:
                found = await give_back_orphans(database, tuple(self.couriers), datetime.now(UTC))
                if found:
                    log.warning("%d deliveries were due by means that are not set here", found)
            except Exception as error:
                if not is_transient(error):
                    raise
            pulse.beat()  # a database that hangs for a minute and this pause are more than a loop may be still
            await asyncio.sleep(ORPHAN_SECONDS)

    def wake(self, means: Iterable[str]) -> None:
        """Something was just stored for these."""
        for name in means:
            self.couriers[name].wake()


def couriers(settings: Settings, service: Service) -> list[Courier]:
    """One for each messenger's account, and one for the app where its webhook is set."""
    names = {**settings.messenger_tokens, **({PUSH: ""} if settings.app_webhook else {})}
    made = [_messenger(name, token, settings) for name, token in names.items()]
    pulses = [service.health.pulse(f"courier {one.name}") for one in made]
    return [Courier(service.database, service.sealer, one, pulse) for one, pulse in zip(made, pulses, strict=True)]


def _messenger(name: str, token: str, settings: Settings) -> Messenger:
    """The adapter of an account; ValueError for a platform that there is none for."""
    now, share, seconds = time.monotonic(), settings.messenger_share, settings.messenger_timeout
    platform, _, account = name.partition("/")
    url = settings.messenger_url(platform)
    if platform == PUSH and settings.app_webhook and settings.app_webhook_secret:
        pace = Pace(app_webhook.LIMITS.scaled(share), now)
        return AppWebhook(settings.app_webhook, settings.app_webhook_secret, pace, seconds=seconds)
    if platform in ("telegram", "bale"):
        return bots.Bot(name, f"{url}/bot{token}", Pace(bots.BOT_LIMITS.scaled(share), now), seconds=seconds)
    if platform == "eitaa":
        pace = Pace(bots.EITAA_LIMITS.scaled(share), now)
        return bots.Bot(name, f"{url}/api/{token}", pace, seconds=seconds, buttons=False)
    if platform == "rubika":
        return rubika.Rubika(name, url, token, Pace(rubika.LIMITS.scaled(share), now), seconds=seconds)
    limits = meta.WHATSAPP_LIMITS if platform == "whatsapp" else meta.INSTAGRAM_LIMITS
    return meta.Graph(name, f"{url}/{account}", token, Pace(limits.scaled(share), now), seconds=seconds)
