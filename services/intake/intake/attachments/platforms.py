"""From a platform's reference to the bytes: what each platform calls a file, and how it is asked for it.

Sources: core.telegram.org/bots/api#getfile (Bale speaks the same), Rubika's `getFile` as its bot libraries call it,
and Meta's "Media" reference of the WhatsApp Cloud API (an address that is good for five minutes, with the token).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from intake.attachments.content import TOO_LARGE
from intake.attachments.guard import Guard, Missing, NotNow
from intake.attachments.types import Refused
from intake.conversation.heard import platform_of
from intake.settings import Settings

SECONDS = 10.0
PLATFORMS: Mapping[str, str] = {
    "telegram": "https://api.telegram.org",
    "bale": "https://tapi.bale.ai",
    "rubika": "https://botapi.rubika.ir",
    "whatsapp": "https://graph.facebook.com/v23.0",
}
Way = Callable[[str, str, str], Awaitable[bytes]]  # base address, token, reference


class Platforms:
    """Fetches a file by its platform and reference. Base addresses are the city's setting, and trusted."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guard = Guard(loopback=settings.files_from_loopback)
        self._client = httpx.AsyncClient(timeout=SECONDS, trust_env=False)
        self._ways: Mapping[str, Way] = {
            "telegram": self._telegram,
            "bale": self._telegram,
            "rubika": self._rubika,
            "whatsapp": self._whatsapp,
        }

    async def fetch(self, platform: str, reference: str) -> bytes:
        """The bytes; Refused, Missing or NotNow. Platforms without a way of their own give https addresses."""
        platform = platform_of(platform)
        way = self._ways.get(platform)
        if way is None:
            return await self._guard.fetch(reference)
        tokens = self._tokens(platform)
        if not tokens:
            raise NotNow(f"PASOKH_MESSENGER_TOKENS holds none for {platform}")
        url = (self._settings.messenger_urls.get(platform) or PLATFORMS[platform]).rstrip("/")
        why: Missing | NotNow = Missing("no bot of ours knows it")
        for token in tokens:  # a file belongs to the bot that heard of it; the others do not know it
            try:
                return await way(url, token, reference)
            except NotNow as error:
                why = error
            except Missing as error:
                why = why if isinstance(why, NotNow) else error
        raise why

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._guard.close()

    def _tokens(self, platform: str) -> list[str]:
        return [token for name, token in self._settings.messenger_tokens.items() if name.split("/")[0] == platform]

    async def _telegram(self, url: str, token: str, reference: str) -> bytes:
        """`file_path` is good for an hour, and below `/file` of the same address, maybe a relay inside the city."""
        document = await self._ask("GET", f"{url}/bot{token}/getFile", params={"file_id": reference})
        path = quote(_text(document, "result", "file_path"))
        return await self._guard.fetch(f"{url}/file/bot{token}/{path}", trusted=True)

    async def _rubika(self, url: str, token: str, reference: str) -> bytes:
        document = await self._ask("POST", f"{url}/v3/{token}/getFile", json={"file_id": reference})
        if isinstance(document, dict) and document.get("status") not in ("OK", "INVALID_INPUT"):
            raise NotNow(f"the platform answers {document.get('status')}")
        return await self._guard.fetch(_text(document, "data", "download_url"))

    async def _whatsapp(self, url: str, token: str, reference: str) -> bytes:
        bearer = {"Authorization": f"Bearer {token}"}
        document = await self._ask("GET", f"{url}/{quote(reference, safe='')}", headers=bearer)
        return await self._guard.fetch(_text(document, "url"), bearer)

    async def _ask(self, method: str, url: str, **given: Any) -> Any:
        """A platform's JSON. A 400 is about the file, and for ever; a wrong token or too many calls is not."""
        try:
            answer = await self._client.request(method, url, **given)
            document = orjson.loads(answer.content)
        except (httpx.HTTPError, orjson.JSONDecodeError) as error:
            raise NotNow(f"the platform does not answer: {type(error).__name__}") from error
        status = answer.status_code
        if isinstance(document, dict) and document.get("ok") is False:
            status = document.get("error_code", status)
        if status == 400:
            raise Refused(TOO_LARGE) if b"too big" in answer.content else Missing("its platform does not know it")
        if status != 200:
            raise NotNow(f"the platform answers {status}")
        return document


def _text(document: Any, *path: str) -> str:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    if not isinstance(document, str) or not document:
        raise Missing(f"its platform gives no {path[-1]}")
    return document
