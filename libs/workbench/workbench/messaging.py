"""Settings by which messengers and the app's server are those of the sandbox."""

import json
from collections.abc import Mapping

from workbench.keys import Keys
from workbench.sandbox.citizens import BOT

PLATFORMS = ("telegram", "bale", "rubika", "whatsapp", "instagram", "eitaa")
ACCOUNTS = ("telegram", "bale", "rubika", "whatsapp/137", "instagram/137", "eitaa")


def messengers(sandbox: str, keys: Keys) -> Mapping[str, str]:
    """For notify, where to send; for intake, what a platform must know; for the sandbox, both."""
    token = f"137:{keys.platform_secret}"
    return {
        "PASOKH_MESSENGER_URLS": json.dumps({name: f"{sandbox}/{name}" for name in PLATFORMS}),
        "PASOKH_MESSENGER_TOKENS": json.dumps(dict.fromkeys(ACCOUNTS, token)),
        "PASOKH_TELEGRAM_BOTS": json.dumps({BOT: [keys.platform_secret]}),
        "PASOKH_BALE_SECRETS": json.dumps([keys.platform_secret]),
        "PASOKH_RUBIKA_SECRETS": json.dumps([keys.platform_secret]),
        "PASOKH_META_APP_SECRETS": json.dumps([keys.platform_secret]),
        "PASOKH_META_VERIFY_TOKEN": keys.platform_secret,
        "PASOKH_SMS_SECRETS": json.dumps([keys.platform_secret]),
        "PASOKH_SANDBOX_BOT_TOKEN": token,
        "PASOKH_SANDBOX_SECRET": keys.platform_secret,
        "PASOKH_SANDBOX_WEBHOOK_SECRET": keys.webhook_secret,
    }


def app_server(sandbox: str, keys: Keys) -> Mapping[str, str]:
    """For notify, to push to the app's server; without it the app's citizens are told by SMS."""
    return {"PASOKH_APP_WEBHOOK": f"{sandbox}/app/webhook", "PASOKH_APP_WEBHOOK_SECRET": keys.webhook_secret}
