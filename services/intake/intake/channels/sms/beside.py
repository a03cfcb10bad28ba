"""What runs beside for SMS: joining parts, and asking the provider for what came in where it cannot post it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
import orjson
from common.app import Service
from common.errors import Problem, is_transient
from common.group_commit import GroupCommit
from common.health import Pulse

from intake.channels.sms.schemas import ReceivedSms, Unreadable, read_entry
from intake.channels.sms.sms import PLATFORM, Holding, done, heard_of, join
from intake.conversation.heard import Heard
from intake.inspection import keep, keep_once
from intake.settings import Settings

log = logging.getLogger(__name__)
JOIN_SECONDS = 1.0
RETRY_SECONDS = 5.0
CAUGHT_UP = timedelta(hours=24)  # what is older was counted, and its key may be forgotten


class Hears(Protocol):
    """The conversations, as far as SMS need them."""

    async def hear(self, heard: Sequence[Heard]) -> None:
        """Return when all of it is committed."""


class Inbox:
    """SMS on their way into the conversations."""

    def __init__(self, service: Service, settings: Settings, *, hears: Hears) -> None:
        self._database = service.database
        self._sealer = service.sealer
        self._conversations = hears
        pulse, work = service.health.pulse("SMS in parts"), Holding(service.sealer)
        self._hold = GroupCommit(service.database, work.hold, pulse=pulse, most_waiting=settings.most_waiting)

    async def run(self) -> None:
        """Commit what is held, until cancelled."""
        await self._hold.run()

    async def hold(self, sms: ReceivedSms) -> bool:
        """Whether it is kept as a part of a longer message, or was before; else it is to be heard as it is."""
        return await self._hold(sms)

    async def take(self, given: Sequence[ReceivedSms | Unreadable]) -> None:
        """Hear each, hold it as a part, or keep what is none for inspection; stored when this returns."""
        received = [sms for sms in given if isinstance(sms, ReceivedSms)]
        held = await asyncio.gather(*map(self._hold, received))
        whole = [sms for sms, is_part in zip(received, held, strict=True) if not is_part]
        await self._hear([heard_of(sms) for sms in whole])
        if unreadable := {one.body: one.reason for one in given if isinstance(one, Unreadable)}:
            await keep_once(self._database, self._sealer, PLATFORM, unreadable, datetime.now(UTC))

    async def join(self, now: datetime) -> None:
        """Hear the messages whose parts are all there."""
        heard = await join(self._database, self._sealer, now)
        await self._hear(heard)
        await done(self._database, heard, now)

    async def _hear(self, heard: Sequence[Heard]) -> None:
        """Together, else each alone, so that one that cannot be stored does not hold up the others."""
        try:
            await self._conversations.hear(heard)
        except Exception as error:
            if isinstance(error, Problem) or is_transient(error):
                raise
            if len(heard) > 1:
                for one in heard:
                    await self._hear([one])
                return
            log.exception("an SMS could not be stored; it is kept for inspection")
            body, now = (heard[0].text or "").encode(), datetime.now(UTC)
            await keep(self._database, self._sealer, PLATFORM, body, type(error).__name__, now)


class Kavenegar:
    """Asks for the SMS that came in on a line. Each is given once, and then only among the hundred read last."""

    def __init__(self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        address = f"{(settings.sms_poll_url or '').rstrip('/')}/v1/{settings.sms_poll_key}/sms/"
        self._client = httpx.AsyncClient(base_url=address, timeout=10, transport=transport)
        self._line = settings.sms_poll_line or ""

    async def received(self, *, read_before: bool) -> list[ReceivedSms | Unreadable]:
        """Those not yet given, or the last hundred that were; httpx.HTTPError or ValueError when it cannot say."""
        query = {"linenumber": self._line, "isread": str(int(read_before))}
        answer = await self._client.get("receive.json", params=query)
        document: Any = orjson.loads(answer.content)
        try:
            status, entries = int(document["return"]["status"]), document["entries"] or []
        except (KeyError, TypeError) as error:
            raise ValueError("not an answer of Kavenegar") from error
        if status != 200:
            raise ValueError(f"status {status}")
        return [read_entry(entry) for entry in entries]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def run(service: Service, settings: Settings) -> None:
    """Keep joining, and asking where a provider's address is set."""
    service.app.state.sms = inbox = Inbox(service, settings, hears=service.app.state.conversations)
    service.run_beside("SMS in parts", inbox.run)
    joining = service.health.pulse("join SMS")
    service.run_beside(joining.name, lambda: _steadily(joining, JOIN_SECONDS, lambda: inbox.join(datetime.now(UTC))))
    if settings.sms_poll_url is None:
        return
    provider, polling = Kavenegar(settings), service.health.pulse("poll SMS")
    asking = Poll(provider, inbox)
    service.run_beside(polling.name, lambda: _steadily(polling, settings.sms_poll_seconds, asking.once))
    service.finish_with(provider.close)


class Poll:
    """Asks again and again; after a start or a failure also for what may have been given and not stored."""

    def __init__(self, provider: Kavenegar, inbox: Inbox) -> None:
        self._provider = provider
        self._inbox = inbox
        self._sure = False

    async def once(self) -> None:
        """Take what came in; what was given before counts once, also what cannot be read."""
        if not self._sure:
            now = datetime.now(UTC)
            given = await self._provider.received(read_before=True)
            await self._inbox.take([sms for sms in given if sms.at and now - sms.at < CAUGHT_UP])
        self._sure = False
        await self._inbox.take(await self._provider.received(read_before=False))
        self._sure = True


async def _steadily(pulse: Pulse, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act every so often, for ever; what passes by itself is waited out."""
    while True:
        pulse.beat()
        try:
            await act()
            await asyncio.sleep(seconds)
        except (Problem, httpx.HTTPError, ValueError, OSError) as error:
            log.warning("SMS: not now: %r", error)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(RETRY_SECONDS)
