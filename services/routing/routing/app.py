"""routing: decides topic, place, unit, urgency and deadline, and keeps each case through its life."""

import asyncio
import sys

from common import commands
from common.app import Service
from common.consumer import Handlers
from common.events import (
    MessageAmended,
    MessageReceived,
    ReplyReceived,
    StatusAsked,
    Stream,
    UrgentMessageAmended,
    UrgentMessageReceived,
)
from common.idempotency import forget_old
from fastapi import FastAPI

from routing import (
    bulk,
    callers,
    cases,
    catalogue,
    children,
    corrections,
    counts,
    incident_api,
    public,
    rule_api,
    saved_filters,
    search,
    tracking_api,
    waits,
)
from routing.adoption import keep_adopting
from routing.amending import Amending
from routing.city import City
from routing.classify import Classifier
from routing.correction_lines import print_corrections
from routing.decide import Decider
from routing.escalation import keep_escalating
from routing.fulltext import sort_words
from routing.handlers import Register, record_replies_with
from routing.lanes import amend_urgent_with, register_urgent_with
from routing.rulebook import Rulebook
from routing.rules import Known
from routing.settings import Settings
from routing.tracking import tell_status_with

DECISIONS_LIMIT = 1024 * 1024  # bytes; 500 texts do not fit into 64 KiB


def create_app(settings: Settings | None = None) -> FastAPI:
    """Routing: one case per message, worked by staff over REST."""
    settings = settings or Settings()
    service = Service("routing", settings, body_limits={"/v1/decisions": DECISIONS_LIMIT, **rule_api.LIMITS})
    city = City.load(settings.regions, settings.nahiye)
    decider = Decider(city, Classifier.load(city.topics))
    rulebook = rulebook_of(city)
    service.app.state.city, service.app.state.decider, service.app.state.rulebook = city, decider, rulebook
    register, amending = Register(decider, rulebook), Amending(decider, rulebook)
    handlers: Handlers = {
        MessageReceived: register.register_cases,
        MessageAmended: amending.amend_cases,
        ReplyReceived: record_replies_with(city),
        StatusAsked: tell_status_with(city),
    }
    urgent: Handlers = {
        UrgentMessageReceived: register_urgent_with(register),
        UrgentMessageAmended: amend_urgent_with(amending),
    }
    service.consume(Stream.URGENT, urgent)
    service.consume(Stream.MESSAGES, handlers)
    service.serve(search.router, counts.router, bulk.router, cases.router, children.router, callers.router)
    service.serve(corrections.router, waits.router, saved_filters.router, catalogue.router, rule_api.router)
    service.serve(public.router, tracking_api.router)
    incident_api.serve_incidents(service, city)
    reading = service.health.pulse("rulebook")
    service.run_beside("rulebook", lambda: rulebook.keep_fresh(service.database, reading))
    service.health.ready_checks.append(rulebook.ready)
    adopting = service.health.pulse("adoption")
    service.run_beside("adoption", lambda: keep_adopting(service.database, city, adopting))
    looking = service.health.pulse("escalation")
    service.run_beside("escalation", lambda: keep_escalating(service.database, city, looking))
    forgetting = service.health.pulse("forget old answers")
    service.run_beside("forget old answers", lambda: forget_old(service.database, forgetting))
    sorting = service.health.pulse("sort words")
    service.run_beside("sort words", lambda: sort_words(service.database, sorting))
    return service.app


def rulebook_of(city: City) -> Rulebook:
    """The rules of a city; empty until they were read once."""
    return Rulebook(Known(city.topics, frozenset(city.units), city.holidays))


def main() -> None:
    """The command `routing`; besides every service's, `routing corrections`."""
    if sys.argv[1:] == ["corrections"]:
        asyncio.run(print_corrections(Settings().database, City.load().topics))
        return
    commands.run("routing", Settings, create_app, __file__)
