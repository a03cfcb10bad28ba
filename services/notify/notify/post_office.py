"""All senders together: SMS, a courier for each messenger's account, and one for the app's webhook."""

import time
from collections.abc import Iterable, Mapping
from functools import cached_property

from common.app import Service

from notify.courier import Courier
from notify.limits import Pace
from notify.means import PUSH, Reach
from notify.providers import app_webhook, bots, meta, rubika
from notify.providers.app_webhook import AppWebhook
from notify.providers.outcome import Messenger
from notify.sender import Sender
from notify.settings import Settings


class PostOffice:
    """Whoever delivers; the handlers store for them."""

    def __init__(self, sms: Sender, couriers: Iterable[Courier] = ()) -> None:
        self.sms = sms
        self.couriers: Mapping[str, Courier] = {courier.name: courier for courier in couriers}

    @cached_property
    def reach(self) -> Reach:
        """The means that there are."""
        return Reach(tuple(self.couriers))

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
