"""The versions of the rules in the database, and the one in force kept at hand.

A version is never changed: another is added, at once or from a later day on, and may lapse by itself. In force is the
one that began last and has not lapsed. A handler is given the `RuleSet`, a value, and does not read here.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from common.db import Database, Transaction
from common.errors import is_transient
from common.health import Pulse

from routing.models import RuleVersion, table
from routing.rule_text import RuleProblems, default_rules, read, read_stored
from routing.rules import Known, RuleSet

log = logging.getLogger(__name__)
LOOK_EVERY = 3.0  # seconds until every replica decides by a new version
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)  # version 1 has no day on which it began
PROJECT = "pasokh"  # author of version 1
_IN_FORCE = """
SELECT version FROM rule_versions
WHERE valid_from <= $1 AND (valid_until IS NULL OR valid_until > $1)
ORDER BY valid_from DESC, version DESC LIMIT 1
"""
_VERSIONS = """
SELECT version, author, note, valid_from, valid_until, created_at FROM rule_versions
WHERE $1::bigint IS NULL OR version < $1 ORDER BY version DESC LIMIT $2
"""
_REFERRALS = """
WITH bounced AS (
    SELECT DISTINCT h.code FROM history h
    WHERE h.step = 'bounce' AND h.at >= $1 AND NOT EXISTS (
        SELECT FROM history e
        WHERE e.code = h.code AND e.step = 'refer' AND e.revision > 1 AND e.revision < h.revision))
SELECT c.rule, count(*) AS referred, count(b.code) AS bounced FROM cases c LEFT JOIN bounced b USING (code)
WHERE c.received_at >= $1 AND c.rule IS NOT NULL
GROUP BY c.rule ORDER BY bounced DESC, referred DESC, c.rule
"""


class Superseded(Exception):
    """Someone else has added a version meanwhile; `newest` is its number."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"version {newest} was added meanwhile; look at it and write yours anew")
        self.newest = newest


@dataclass(frozen=True, slots=True)
class Draft:
    """A version to add. `valid_from` in the past means now; `based_on` is the newest version its author has seen."""

    yaml: str
    author: str
    valid_from: datetime
    note: str | None = None
    valid_until: datetime | None = None  # None: it stays in force until another begins
    based_on: int | None = None  # None: whatever there is


@dataclass(frozen=True, slots=True)
class Version:
    """One version without its text."""

    version: int
    author: str
    note: str | None
    valid_from: datetime
    valid_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Referrals:
    """How many cases a rule referred, and how many of them their unit gave back."""

    rule: str
    referred: int
    bounced: int


@dataclass(frozen=True, slots=True)
class Added:
    """A version that was stored; `rules.unproven` is for its author to look at."""

    version: int
    begins: datetime
    rules: RuleSet


async def version_in_force(tx: Transaction, at: datetime) -> int | None:
    """Number of the version in force at a moment; None when there is none."""
    version: int | None = await tx.fetchval(_IN_FORCE, at)
    return version


async def text_of(tx: Transaction, version: int) -> str | None:
    """A version's YAML as it was written; None for one that does not exist."""
    text: str | None = await tx.fetchval("SELECT yaml FROM rule_versions WHERE version = $1", version)
    return text


async def current(tx: Transaction, at: datetime, known: Known) -> RuleSet:
    """The rule set in force at a moment; LookupError when none was, RuleProblems when it no longer fits the city."""
    version = await version_in_force(tx, at)
    text = None if version is None else await text_of(tx, version)
    if text is None:
        raise LookupError(f"no rules were in force at {at}")
    return read_stored(text, known)


async def versions(tx: Transaction, *, before: int | None = None, limit: int | None = None) -> list[Version]:
    """The versions, the newest first: all, or so many of those with a lower number."""
    return [Version(**row) for row in await tx.fetch(_VERSIONS, before, limit)]


async def version_of(tx: Transaction, version: int) -> Version | None:
    """One version without its text; None for one that does not exist."""
    found = await tx.fetch(_VERSIONS, version + 1, 1)
    return Version(**found[0]) if found and found[0]["version"] == version else None


async def newest(tx: Transaction) -> int:
    """Number of the version that was added last, 0 when there is none; it may not be in force yet."""
    number: int = await tx.fetchval("SELECT coalesce(max(version), 0) FROM rule_versions")
    return number


async def one_writer(tx: Transaction) -> None:
    """Wait for whoever adds a version, and let others wait until the commit; readers are not held up."""
    await tx.execute("LOCK TABLE rule_versions IN SHARE ROW EXCLUSIVE MODE")


async def add_version(tx: Transaction, draft: Draft, rules: RuleSet, now: datetime) -> Added:
    """Store a version; `rules` is what `read` made of its text (500 rules take it a second, so it is not done here).

    ValueError when it lapses before it begins, Superseded when another came first.
    """
    begins = max(draft.valid_from, now)
    if draft.valid_until is not None and draft.valid_until <= begins:
        raise ValueError("the version would lapse before it begins")
    await one_writer(tx)
    if draft.based_on not in (None, last := await newest(tx)):
        raise Superseded(last)
    return Added(await _insert(tx, draft, begins, now), begins, rules)


async def ensure_first(tx: Transaction, known: Known, now: datetime) -> None:
    """Store the project's own rules as version 1 where there is none yet."""
    if await tx.fetchval("SELECT EXISTS (SELECT FROM rule_versions)"):
        return
    await one_writer(tx)  # another replica may be here too
    if not await tx.fetchval("SELECT EXISTS (SELECT FROM rule_versions)"):
        text = default_rules()
        read(text, known)
        await _insert(tx, Draft(text, PROJECT, ALWAYS), ALWAYS, now)


async def referrals_by_rule(tx: Transaction, since: datetime) -> list[Referrals]:
    """Of the cases received since then, how many each rule referred, and of how many its unit said "not ours"; those
    with most bounces first. A bounce after a person's referral is not the rule's."""
    return [Referrals(**row) for row in await tx.fetch(_REFERRALS, since)]


class Rulebook:
    """The rule set in force, read again when another version comes into force."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.version: int | None = None
        self._seen: int | None = None  # the version that was looked at last, also when it did not fit
        self._rules: RuleSet | None = None

    @property
    def rules(self) -> RuleSet:
        """The rule set in force; ConnectionError, so that whoever needs it waits, until it was read once."""
        if self._rules is None:
            raise ConnectionError("the rules have not been read yet")
        return self._rules

    async def ready(self) -> str | None:
        """Why this process cannot decide, for `/readyz`; a later version that does not fit leaves the old in force."""
        return None if self._rules is not None else "the rules have not been read yet"

    async def refresh(self, database: Database, now: datetime) -> None:
        """Read the version in force if it is another. RuleProblems when the first that is read is none.

        A later one that does not fit the city leaves the old one in force, and the log says so, until it is put right.
        Without an old one, it is taken as it is: what it asks for that is no more never comes, and for a unit that is
        no more acts its heir.
        """
        async with database.transaction() as tx:
            if self._seen is None:
                await ensure_first(tx, self.known, now)
            version = await version_in_force(tx, now)
            text = None if version in (None, self._seen) else await text_of(tx, version or 0)
        if version is not None and text is not None:
            self._seen = version
            await self._take(version, text)

    async def keep_fresh(self, database: Database, pulse: Pulse) -> None:
        """Look for another version every few seconds, for as long as the service runs."""
        while True:
            pulse.beat()
            try:
                await self.refresh(database, datetime.now(UTC))
                await asyncio.sleep(LOOK_EVERY)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(1)

    async def _take(self, version: int, text: str) -> None:
        try:
            rules = await asyncio.to_thread(read_stored, text, self.known)  # 500 rules: 0.8 s of YAML
        except RuleProblems as error:
            log.error("version %s of the rules does not fit this city: %s", version, error)
            if self._rules is not None:
                return
            rules = await asyncio.to_thread(read_stored, text, replace(self.known, former=True))
        self._rules, self.version = rules, version
        log.info("version %s of the rules is in force", version)


async def _insert(tx: Transaction, draft: Draft, begins: datetime, now: datetime) -> int:
    row = {"yaml": draft.yaml, "author": draft.author, "note": draft.note, "valid_from": begins}
    row |= {"valid_until": draft.valid_until, "created_at": now}
    [stored] = await tx.insert(table(RuleVersion), [row], then="RETURNING version")
    return int(stored["version"])
