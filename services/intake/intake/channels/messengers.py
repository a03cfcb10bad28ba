"""The webhooks that messengers and the SMS provider call. A new one is its folder and its line here."""

from common.app import Service

from intake.channels.bale import api as bale
from intake.channels.meta import api as meta
from intake.channels.rubika import api as rubika
from intake.channels.sms import api as sms
from intake.channels.sms import beside as sms_beside
from intake.channels.telegram import api as telegram
from intake.contact import Reader
from intake.conversation.conversations import converse
from intake.settings import Settings

ROUTERS = (telegram.router, bale.router, rubika.router, meta.router, meta.handshakes, sms.router)
QUOTING = 256 * 1024  # bytes; a letter is up to six there, and a long message may quote another one
BODY_LIMITS = {"/v1/social/telegram/": QUOTING, "/v1/social/bale/": QUOTING, **meta.BODY_LIMITS}


def attach(service: Service, settings: Settings, reader: Reader) -> None:
    """The conversations that all of them end in, and what runs beside for SMS."""
    converse(service, reader, settings)
    sms_beside.run(service, settings)
