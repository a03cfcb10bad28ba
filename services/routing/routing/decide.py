"""The decision: topic, place, unit, urgency and deadline of a message, each with its reason. Values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.events import Kind, Place

from routing.city import TRIAGE, City, Spot, Topic
from routing.classify import Suggestion, WordMatch

TRIAGE_HOURS = 24


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of a decision and what it rests on."""

    step: str
    because: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a decision looks at."""

    text: str
    topic: str | None
    kind: Kind | None
    place: Place | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message."""

    topic: str | None
    probability: float
    suggestions: Sequence[Suggestion]
    kind: Kind
    urgent: bool
    spot: Spot
    unit: str
    deadline: datetime
    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Decider:
    """The catalogue, the map and the word match together."""

    city: City
    words: WordMatch

    def decide(self, asked: Asked) -> Decision:
        """Topic, place, unit, urgency and deadline."""
        chosen, suggestions, why_topic = self._topic(asked)
        topic = self.city.topics.get(chosen.topic) if chosen else None
        spot = self.city.locate(asked.place)
        unit, why_unit = self._unit(topic, spot)
        hours = topic.sla_hours if topic else TRIAGE_HOURS
        return Decision(
            topic=topic.code if topic else None,
            probability=chosen.probability if chosen else 0.0,
            suggestions=suggestions,
            kind=asked.kind or Kind.REQUEST,
            urgent=topic is not None and topic.urgent,
            spot=spot,
            unit=unit,
            deadline=asked.received_at + timedelta(hours=hours),
            reasons=(
                Reason("topic", why_topic),
                Reason("place", spot.because),
                Reason("unit", why_unit),
                Reason("deadline", f"{hours} hours from the receipt"),
            ),
        )

    def _topic(self, asked: Asked) -> tuple[Suggestion | None, Sequence[Suggestion], str]:
        if asked.topic is not None and asked.topic in self.city.topics:
            given = Suggestion(asked.topic, 1.0)
            return given, [given], "it was given"
        suggestions = self.words.suggest(asked.text)
        chosen = self.words.choose(suggestions)
        if chosen is None:
            return None, suggestions, "no topic's words are in the text; a person decides"
        return chosen, suggestions, "words of its title are in the text"

    def _unit(self, topic: Topic | None, spot: Spot) -> tuple[str, str]:
        """By the topic's level: a desk of HQ, the region, or the nahiye."""
        if topic is None or topic.unit == "none":
            return TRIAGE, "without a topic the HQ triage desk decides"
        if topic.level == "hq":
            return f"hq-{topic.unit}", f"{topic.code} is handled at HQ"
        if spot.region is None:
            return TRIAGE, f"{topic.code} needs a region, and none is known"
        if topic.level == "region" or spot.nahiye is None:
            return f"region-{spot.region}", f"{topic.code} in region {spot.region}"
        return f"nahiye-{spot.region}-{spot.nahiye}", f"{topic.code} in nahiye {spot.nahiye} of region {spot.region}"
