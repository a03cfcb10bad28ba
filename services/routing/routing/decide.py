"""The decision: topic, kind, place, urgency, rule, unit and deadlines of a message, each with its reason. Values in,
values out: the dry run and the handler call the same function."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.events import Channel, Kind, Place, Told
from common.folding import fold

from routing.city import City, Topic
from routing.classify import KIND_OF_TOPIC, Classifier, Ranking, Suggestion
from routing.locate import Spot
from routing.oncall import Duty, on_duty
from routing.rules import Facts, Match, RuleSet
from routing.sla import Deadlines, Terms, deadlines, in_words, terms_of
from routing.thanks import CERTAIN, asks
from routing.units import Unit
from routing.urgency import Urgency, urgency

GIVEN = "it was given"  # why a topic is what its sender, or staff, chose
TRIAGE_HOURS = 24  # to find the topic of what has none
THANKS_TOPIC = "OV-THANKS"


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of a decision and what it rests on."""

    step: str
    because: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a decision looks at."""

    text: str
    received_at: datetime
    occurred_at: datetime
    channel: Channel = Channel.APP
    topic: str | None = None
    kind: Kind | None = None
    place: Place | None = None
    urgent: bool = False  # it was before; no change of its words or place takes that back


@dataclass(frozen=True, slots=True)
class Subject:
    """What a message is about; without a topic a person chooses one of the suggestions."""

    topic: Topic | None
    probability: float
    suggestions: Sequence[Suggestion]
    kind: Kind
    because: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message. `settled` is what the citizen is told when no unit has to act."""

    subject: Subject
    spot: Spot
    urgent: bool
    rule: str
    unit: str
    times: Deadlines
    settled: Told | None
    folded: str
    reasons: Sequence[Reason]

    @property
    def topic(self) -> str | None:
        """The topic's code."""
        return self.subject.topic.code if self.subject.topic else None

    @property
    def choices(self) -> list[list[object]] | None:
        """Topics and probabilities for a person to choose from; None where there is a topic."""
        return None if self.topic else [[s.topic, round(s.probability, 4)] for s in self.subject.suggestions]

    @property
    def kind(self) -> Kind:
        """What the message is."""
        return self.subject.kind

    @property
    def deadline(self) -> datetime:
        """When it must be resolved."""
        return self.times.resolve_by


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says, before any rule: a message that is asked about, its subject and how urgent it sounds."""

    asked: Asked
    folded: str
    subject: Subject
    alarm: Urgency


@dataclass(frozen=True)
class Decider:
    """The city and the trained classifier together."""

    city: City
    classifier: Classifier

    def decide(self, asked: Sequence[Asked], rules: RuleSet) -> list[Decision]:
        """One decision a message, in order."""
        return [self.settle(reading, rules) for reading in self.read(asked)]

    def read(self, asked: Sequence[Asked]) -> list[Reading]:
        """What each text says, in order: half of a decision's cost. Texts are ranked in one go, for their urgency also
        where topic and kind are what the sender chose."""
        folded = [fold(one.text) for one in asked]
        rankings = self.classifier.rank([one.text for one in asked], folded)
        return [self._read(*each) for each in zip(asked, folded, rankings, strict=True)]

    def _read(self, asked: Asked, folded: str, ranking: Ranking) -> Reading:
        subject = self._subject(asked, ranking)
        likeliest = self.city.topics[subject.suggestions[0].topic]
        # An urgent topic that a person chose needs no model to say so; it is taken back by the text alone.
        chosen = likeliest.urgent and asked.topic == likeliest.code
        alarm = urgency(folded, likeliest.code, likeliest.urgent, None if chosen else ranking.urgent)
        if asked.urgent and not alarm.urgent:
            alarm = replace(alarm, urgent=True, because=f"it was urgent before; now: {alarm.because}")
        return Reading(asked, folded, subject, alarm)

    def settle(self, reading: Reading, rules: RuleSet) -> Decision:
        """What becomes of a message that was read, by the rules in force."""
        asked, subject, alarm = reading.asked, reading.subject, reading.alarm
        spot = self.city.map.settle(asked.place, self.city.map.reader.read(reading.folded))
        match = rules.first_match(_facts(asked, subject, spot, alarm))
        urgent = asked.urgent or (alarm.urgent if match.rule.urgent is None else match.rule.urgent)
        duty = on_duty(self.city.units[match.unit], asked.received_at, urgent=urgent, roster=self.city.roster)
        terms = self._terms(match, subject, duty, urgent)
        hours = self.city.roster.posts[duty.unit.code].hours
        return Decision(
            subject=subject,
            spot=spot,
            urgent=urgent,
            rule=match.rule.name,
            unit=duty.unit.code,
            times=deadlines(terms, asked.received_at, hours),
            settled=_settled(reading, spot, duty.unit, urgent=urgent),
            folded=reading.folded,
            reasons=(
                Reason("topic", subject.because),
                Reason("place", spot.doubt or spot.because),
                Reason("urgency", _why_urgent(alarm, match)),
                Reason("rule", match.because),
                Reason("unit", duty.because),
                Reason("deadline", in_words(terms, hours)),
            ),
        )

    def _subject(self, asked: Asked, ranking: Ranking) -> Subject:
        """What the sender chose, else the likeliest topic if it is likely enough to be referred unseen."""
        given = self.city.topics.get(asked.topic or "")
        if given is not None:
            kind = asked.kind or KIND_OF_TOPIC.get(given.code) or ranking.kind
            return Subject(given, 1.0, (Suggestion(given.code, 1.0),), kind, GIVEN)
        best, kind = ranking.suggestions[0], asked.kind or ranking.kind
        words = "، ".join(ranking.words)
        if not ranking.sure:
            because = f"unsure: {best.topic} at {best.probability:.0%} (“{words}”); a person decides"
            return Subject(None, best.probability, ranking.suggestions, kind, because)
        because = f"{best.probability:.0%} by the words “{words}”"
        return Subject(self.city.topics[best.topic], best.probability, ranking.suggestions, kind, because)

    def _terms(self, match: Match, subject: Subject, duty: Duty, urgent: bool) -> Terms:
        if match.rule.deadline is not None:
            return match.rule.deadline
        hours = self.city.roster.posts[duty.unit.code].hours
        sla_hours = subject.topic.sla_hours if subject.topic else TRIAGE_HOURS
        code = _code(subject) or ""
        return terms_of(self.city.policy, code, sla_hours=sla_hours, urgent=urgent, hours=hours)


def _code(subject: Subject) -> str | None:
    return subject.topic.code if subject.topic else None


def _facts(asked: Asked, subject: Subject, spot: Spot, alarm: Urgency) -> Facts:
    return Facts(
        topic=_code(subject),
        group=subject.topic.deputy if subject.topic else None,
        region=spot.region,
        nahiye=spot.nahiye,
        kind=subject.kind,
        channel=asked.channel,
        urgent=alarm.urgent,
        at=asked.occurred_at,
    )


def _settled(reading: Reading, spot: Spot, unit: Unit, *, urgent: bool) -> Told | None:
    """What another body does, or another municipality, is told and closed; thanks alone are thanked for.

    A look of a person costs less than a lost request: thanks that ask for something, or that another topic comes near,
    and what is urgent at a point that lies outside, are referred.
    """
    if unit.level == "organisation":
        return Told.OUT_OF_SCOPE
    if spot.beyond and spot.doubt is None and spot.outside is not None and not urgent:
        return Told.OUT_OF_SCOPE
    return Told.THANKED if _thanks_alone(reading) and not urgent else None


def _thanks_alone(reading: Reading) -> bool:
    subject = reading.subject
    given = subject.kind is Kind.THANKS and _code(subject) == THANKS_TOPIC
    return given and subject.probability >= CERTAIN and not asks(reading.folded)


def _why_urgent(alarm: Urgency, match: Match) -> str:
    return alarm.because if match.rule.urgent is None else f"rule “{match.rule.name}” says so"
