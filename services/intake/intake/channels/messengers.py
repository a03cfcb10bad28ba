"""The webhooks that messengers and the SMS provider call. A new one is its folder and its line here."""

from intake.channels.bale import api as bale
from intake.channels.meta import api as meta
from intake.channels.rubika import api as rubika
from intake.channels.sms import api as sms
from intake.channels.telegram import api as telegram

ROUTERS = (telegram.router, bale.router, rubika.router, meta.router, meta.handshakes, sms.router)
BODY_LIMITS = meta.BODY_LIMITS
