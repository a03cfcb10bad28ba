"""What a decision costs: µs of CPU a message in a batch of 200, each step and all of them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from common.events import Channel, Kind, Place
from common.folding import fold
from routing.city import City
from routing.classify import Classifier
from routing.decide import Asked, Decider
from routing.rule_text import default_rules, read
from routing.rules import Facts, Known
from routing.urgency import urgency
from workbench.city import load_messages

BATCH = 200
TIMES = 7
POINT = Place(lat=35.7575, lon=51.41)


def decision_costs() -> dict[str, Any]:
    """The least of some runs, in µs a message; one thread, no database."""
    city = City.load()
    decider = Decider(city, Classifier.load(city.topics))
    rules = read(default_rules(), Known(city.topics, frozenset(city.units), city.holidays))
    now = datetime.now(UTC)
    texts = [row["text"] for row in load_messages()[:BATCH]]
    asked = [Asked(text, now, now, place=POINT) for text in texts]
    folded = [fold(text) for text in texts]
    facts = Facts("US-GUTTER", "urban-services", 3, 1, Kind.REQUEST, Channel.APP, False, now)
    steps: dict[str, Callable[[], object]] = {
        "fold": lambda: [fold(text) for text in texts],
        "classify": lambda: decider.classifier.rank(texts, folded),
        "locate": lambda: [city.map.settle(POINT, city.map.reader.read(text)) for text in folded],
        "urgency": lambda: [urgency(text, "US-GUTTER", False) for text in folded],
        "rules": lambda: [rules.first_match(facts) for _ in folded],
        "decide": lambda: decider.decide(asked, rules),
    }
    return {name: _least(step) for name, step in steps.items()}


def _least(step: Callable[[], object]) -> float:
    """In µs a message; the first run, which fills the memories of words, does not count."""
    step()
    times = []
    for _ in range(TIMES):
        started = time.process_time()
        step()
        times.append(time.process_time() - started)
    return round(min(times) / BATCH * 1e6, 1)
