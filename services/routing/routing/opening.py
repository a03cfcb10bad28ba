"""What is left behind when a message becomes a case: its row, its history, and the events that tell of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import orjson
from common.db import Row
from common.events import CaseMoved, CaseOpened, Event, MessageReceived, NotificationRequested, Status, Step, Told

from routing.city import City
from routing.decide import Asked, Decision
from routing.duplicates import OpenCase, Suggested
from routing.fulltext import Described
from routing.sla import Progress, next_due

UNKNOWN_TOPIC = "unknown"


def asked_by(message: MessageReceived) -> Asked:
    """What a decision looks at, of a message."""
    return Asked(
        message.text,
        message.received_at,
        message.occurred_at,
        channel=message.channel,
        topic=message.topic,
        kind=message.kind,
        place=message.place,
    )


@dataclass(frozen=True, slots=True)
class Joined:
    """The open case that a message is answered with, its unit, and why."""

    parent: str
    unit: str
    because: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A message with its decision. A settled one is referred and closed in the same moment."""

    message: MessageReceived
    decision: Decision
    city: City
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    joined: Joined | None = None
    possible: Sequence[Suggested] = ()  # what may be the same matter, for a person to say
    filed: OpenCase | None = None  # how later messages find it
    stored: bool = False  # its case is there already: the message came again

    @property
    def unit(self) -> str:
        """Who must act."""
        return self.joined.unit if self.joined else self.decision.unit

    @property
    def citizen(self) -> str | None:
        """Who wrote, as a keyed hash: the number, or the account where there is none; one account may write for many
        numbers."""
        return self.message.reply_to.phone_lookup or self.message.reply_to.account_lookup

    @property
    def status(self) -> Status:
        """Where the case stands after it was opened."""
        if self.joined:
            return Status.JOINED
        return Status.CLOSED if self.decision.settled else Status.REFERRED

    @property
    def revision(self) -> int:
        """Steps that the case has taken."""
        return 2 if self.decision.settled else 1

    def case_row(self, incident: UUID | None = None) -> Row:
        """The case, and the incident that it is probably part of."""
        message, decision = self.message, self.decision
        return {
            "code": message.code,
            "revision": self.revision,
            "status": self.status.value,
            "topic": decision.topic,
            "kind": decision.kind.value,
            "text": message.text,
            "channel": message.channel.value,
            "platform": message.platform,
            "unit": self.unit,
            "level": self.city.unit(self.unit).level,
            "region": decision.spot.region,
            "nahiye": decision.spot.nahiye,
            "place": message.place.model_dump_json(exclude_none=True) if message.place else None,
            "urgent": decision.urgent,
            "phone": message.reply_to.phone,
            "phone_lookup": message.reply_to.phone_lookup,
            "name": message.reply_to.name,
            "sms": message.reply_to.sms,
            "account": message.reply_to.account,
            "account_lookup": message.reply_to.account_lookup,
            "attachments": message.attachments,
            "occurred_at": message.occurred_at,
            "received_at": message.received_at,
            "rule": decision.rule,
            "reasons": orjson.dumps(self._reasons()).decode(),
            "suggestions": orjson.dumps(decision.choices).decode() if decision.choices else None,
            "parent": self.joined.parent if self.joined else None,
            "incident": incident,
            "possible_duplicates": orjson.dumps(self.possible).decode() if self.possible else None,
            **self._clock(),
        }

    def _clock(self) -> Row:
        times, closed = self.decision.times, self.decision.settled is not None
        return {
            "deadline": times.resolve_by,
            "counted_by": times.by.value,
            "respond_by": times.respond_by,
            "warn_at": times.warn_at,
            "next_due_at": next_due(times, Progress(resolved=closed, waiting=self.joined is not None), self.at),
            # A bare 33 finds the case that was told last, and this one was told what came of it.
            "answered_at": self.at if closed else None,
        }

    def history_rows(self) -> Iterator[Row]:
        """The referral, and the closing of a settled one."""
        joined = self.joined is not None
        yield self._history_row(1, *((Step.JOIN, Status.JOINED) if joined else (Step.REFER, Status.REFERRED)))
        if self.decision.settled:
            yield self._history_row(2, Step.SETTLE, Status.CLOSED)

    def described(self) -> Described:
        """What the search finds it by."""
        message, decision = self.message, self.decision
        address = message.place.address if message.place else None
        return Described(message.code, self.unit, message.received_at, decision.folded, address)

    def events(self) -> Iterator[Event]:
        """For reporting, and for the citizen."""
        yield self._opened()
        if self.decision.settled:
            yield self._closed()
        yield self._told(self.decision.settled or (Told.JOINED if self.joined else Told.REGISTERED))

    def _reasons(self) -> dict[str, str]:
        why = {reason.step: reason.because for reason in self.decision.reasons}
        return why | ({"duplicate": f"joined to {self.joined.parent}: {self.joined.because}"} if self.joined else {})

    def _history_row(self, revision: int, step: Step, status: Status) -> Row:
        row: dict[str, object] = {"code": self.message.code, "revision": revision, "step": step.value}
        return row | {
            "status": status.value,
            "unit": self.unit,
            "at": self.at,
            "reason": self._reasons().get("duplicate"),
        }

    def _opened(self) -> CaseOpened:
        message, decision, topic = self.message, self.decision, self.decision.subject.topic
        return CaseOpened(
            at=self.at,
            code=message.code,
            revision=1,
            channel=message.channel,
            platform=message.platform,
            kind=decision.kind,
            topic=topic.code if topic else UNKNOWN_TOPIC,
            deputy=topic.deputy if topic else UNKNOWN_TOPIC,
            unit=self.unit,
            level=self.city.unit(self.unit).level,
            region=decision.spot.region,
            nahiye=decision.spot.nahiye,
            urgent=decision.urgent,
            rule=decision.rule,
            parent=self.joined.parent if self.joined else None,
            call_id=message.call_id,
            occurred_at=message.occurred_at,
            received_at=message.received_at,
            deadline=decision.deadline,
        )

    def _closed(self) -> CaseMoved:
        unit = self.decision.unit
        return CaseMoved(
            at=self.at,
            code=self.message.code,
            revision=2,
            step=Step.SETTLE,
            status=Status.CLOSED,
            unit=unit,
            level=self.city.unit(unit).level,
        )

    def _told(self, told: Told) -> NotificationRequested:
        message, topic, spot = self.message, self.decision.subject.topic, self.decision.spot
        outside = told is Told.OUT_OF_SCOPE and spot.beyond and not (topic and topic.is_others)
        title = f"شهرداری {spot.outside or 'همان محل'}" if outside else self.city.unit(self.unit).title_fa
        return NotificationRequested(
            at=self.at,
            code=message.code,
            revision=self.revision,
            told=told,
            unit_title=title,
            topic_title=self.city.title_of(self.decision.topic),
            urgent=self.decision.urgent,
            channel=message.channel,
            platform=message.platform,
            reply_to=message.reply_to,
        )
