"""One transaction for what several webhooks brought: each update once, each conversation in turn, then what follows."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from asyncpg import Record
from common.db import Transaction
from common.errors import Problem
from common.events import Event
from common.idempotency import digest
from common.sealed import Sealer, SealError
from pydantic import ValidationError

from intake.accept import store
from intake.attachments.files import Files
from intake.contact import Reader
from intake.conversation.contacts import SMS, Chat, Contacts
from intake.conversation.draft import Question, State
from intake.conversation.heard import Heard
from intake.conversation.machine import Amend, AskStatus, Manners, expire, hear
from intake.conversation.talk import Following, Talk
from intake.receipt import Receipt

log = logging.getLogger(__name__)
Traced = tuple[str, Heard, str | None]  # the conversation's key, what was heard, its trace
MOST_DUE = 200  # of one transaction
POSTPONED = timedelta(hours=1)
_UNSEEN = """
INSERT INTO first_answers (key, answer, created_at)
SELECT key, '{}'::jsonb, $2 FROM unnest($1::bytea[]) AS heard (key) ORDER BY key
ON CONFLICT DO NOTHING RETURNING key
"""
# Writing a row locks it, also one that is new: two replicas never step one conversation at the same time.
_TAKE_TURN = """
INSERT INTO conversations AS known (key, platform, account, heard_at)
SELECT key, platform, account, $4 FROM unnest($1::text[], $2::text[], $3::text[]) AS heard (key, platform, account)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET heard_at = excluded.heard_at, platform = excluded.platform
RETURNING key, state, last_code
"""
_LEAVE = """
UPDATE conversations AS known SET state = new.state, due_at = new.due_at, last_code = new.last_code
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) AS new (key, state, due_at, last_code)
WHERE known.key = new.key
"""
_AMEND = "UPDATE messages SET amended = coalesce(amended, '[]'::jsonb) || $2::text::jsonb WHERE code = $1"
_DUE = """
SELECT key, platform, account, state, last_code FROM conversations
WHERE due_at <= $1 ORDER BY due_at, key LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_POSTPONE = """
UPDATE conversations SET due_at = $1::timestamptz + $2::interval WHERE key = (
    SELECT key FROM conversations WHERE due_at <= $1 ORDER BY due_at, key LIMIT 1 FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Brought:
    """What one request brought, and its trace."""

    heard: Sequence[Heard]
    traceparent: str | None = None


class Storing:
    """What is heard, stored in groups: the work of a group commit."""

    def __init__(self, reader: Reader, manners: Manners, several: Collection[str] = ()) -> None:
        """`several` are our accounts as `platform/account`, of the platforms where there is more than one."""
        self._reader = reader
        self._sealer = reader.sealer
        self._manners = manners
        self._several = several
        self._with_number = replace(manners, questions=tuple(q for q in manners.questions if q is not Question.PHONE))
        self._quiet = Manners(questions=(), speaks=False)  # by SMS nobody is asked, and no machine is answered
        self._files = Files(reader.sealer)

    async def store(self, bodies: Sequence[Brought], tx: Transaction) -> Sequence[Problem | None]:
        """All that these bodies brought; an update that came before changes nothing."""
        now = datetime.now(UTC)
        heard = [(self._key(one), one, body.traceparent) for body in bodies for one in body.heard]
        talks = await self._take_turns({key: one for key, one, _ in heard}, tx, now)
        for key, one, traceparent in await _unseen(heard, tx, now):
            talk = talks[key]
            talk.state, acts = hear(talk.state, one, self._manners_with(talk), now=now)
            talk.do(acts, at=one.at, traceparent=traceparent)
        await self._leave(talks, tx)
        return [None] * len(bodies)

    async def accept_due(self, tx: Transaction, now: datetime, most: int = MOST_DUE) -> int:
        """Accept what waits for an answer that did not come; how many conversations there were."""
        rows = await tx.fetch(_DUE, now, most)
        talks = {row["key"]: self._talk(row, self._chat(row), now) for row in rows}
        for talk in talks.values():
            talk.state, acts = expire(talk.state, now)
            talk.do(acts)
        await self._leave(talks, tx)
        return len(talks)

    async def postpone_due(self, tx: Transaction, now: datetime) -> None:
        """Let the first that is due wait for another hour."""
        await tx.execute(_POSTPONE, now, POSTPONED)

    def _key(self, heard: Heard) -> str:
        return key_of(self._sealer, heard.platform, heard.account)

    def _manners_with(self, talk: Talk) -> Manners:
        chat = talk.contacts.chat
        if chat.platform == SMS:
            return self._quiet
        return self._with_number if chat.phone else self._manners

    def _chat(self, row: Record) -> Chat:
        return Chat(row["platform"], self._sealer.readable(row["account"]) or "")  # key lost: accepted, not answered

    def _talk(self, row: Record, chat: Chat, now: datetime) -> Talk:
        return Talk(Contacts(self._reader, chat, now), self._state(row["state"]), row["last_code"])

    def _state(self, sealed: str | None) -> State:
        try:
            return State.of(self._sealer.open(sealed)) if sealed else State()
        except (SealError, ValidationError) as error:
            log.error("what a conversation remembered cannot be read, and begins anew: %s", type(error).__name__)
            return State()

    async def _take_turns(self, heard: Mapping[str, Heard], tx: Transaction, now: datetime) -> dict[str, Talk]:
        chats = {key: Chat(one.heard_by(self._several), one.account) for key, one in heard.items()}
        platforms = [chat.platform for chat in chats.values()]
        accounts = [self._sealer.seal(chat.account) for chat in chats.values()]
        rows = await tx.fetch(_TAKE_TURN, list(chats), platforms, accounts, now)
        return {row["key"]: self._talk(row, chats[row["key"]], now) for row in rows}

    async def _leave(self, talks: Mapping[str, Talk], tx: Transaction) -> None:
        """Messages, files, events and where each conversation stands now."""
        receipts = iter(await store([contact for talk in talks.values() for contact in talk.made], tx))
        for talk in talks.values():
            talk.codes = [_code(next(receipts)) for _ in talk.made]
            for one in talk.following():
                events = await self._events(one, talk.contacts, tx)
                tx.publish(*(event.model_copy(update={"traceparent": one.traceparent}) for event in events))
        left = list(talks.values())
        states = [self._sealer.seal(document) if (document := talk.state.document()) else None for talk in left]
        due = [talk.state.due_at for talk in left]
        await tx.execute(_LEAVE, list(talks), states, due, [talk.last_code for talk in left])

    async def _events(self, following: Following, contacts: Contacts, tx: Transaction) -> Sequence[Event]:
        """What a turn tells others; what was added to a message is kept with it."""
        act, code = following.act, following.code
        if not isinstance(act, Amend):
            return contacts.status(act.code) if isinstance(act, AskStatus) else [contacts.say(act.prompt, code)]
        if code is None:
            return []
        count = await self._files.note(code, contacts.chat.platform, act.files, tx)
        amended = contacts.amended(code, act.draft, count)
        await tx.execute(_AMEND, code, amended.model_dump_json(include={"text", "place", "attachments", "received_at"}))
        return [amended]


def key_of(sealer: Sealer, platform: str, account: str) -> str:
    """A conversation's key: a keyed hash."""
    return sealer.lookup(f"{platform}:{account}")


def counted_by(key: str, update: str) -> bytes:
    """What makes an update count once. The key stands for the account: a bare digest of a number hides little."""
    return digest(key, update)


def _code(receipt: Receipt | Problem) -> str | None:
    return receipt.code if isinstance(receipt, Receipt) else None


async def _unseen(heard: Sequence[Traced], tx: Transaction, now: datetime) -> list[Traced]:
    """Those whose update did not come before, each once and in the order in which they came."""
    by_update: dict[bytes, Traced] = {}
    for one in heard:
        by_update.setdefault(counted_by(one[0], one[1].update), one)
    rows = await tx.fetch(_UNSEEN, list(by_update), now)
    fresh = {row["key"] for row in rows}
    return [found for update, found in by_update.items() if update in fresh]
