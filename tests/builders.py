"""Builders: what a test does not care about has a sensible value."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from common.codes import new_code
from common.commands import migrate
from common.db import Database
from common.events import (
    Answer,
    CaseMoved,
    CaseOpened,
    Channel,
    IncidentEvent,
    Kind,
    MessageAmended,
    MessageReceived,
    NotificationRequested,
    NotificationSent,
    Place,
    ReplyReceived,
    SealedAddress,
    Status,
    Step,
    Told,
)
from common.partitions import prepare_days
from common.sealed import Sealer
from uuid_utils.compat import uuid7
from workbench.keys import AUDIENCE, ISSUER, Keys
from workbench.postgres import Postgres

AnIncident = TypeVar("AnIncident", bound=IncidentEvent)
NOW = datetime.now(UTC).replace(microsecond=0)
SERVICES = Path(__file__).parents[1] / "services"


async def a_database(postgres: Postgres, service: str, name: str) -> Database:
    """A fresh database with a service's newest schema and today's partitions: a copy of one that is made once."""
    template = f"template_{service}"
    if template not in await postgres.databases():
        await _a_template(postgres, service, template)
    return Database(await postgres.copy_database(template, name))


async def _a_template(postgres: Postgres, service: str, name: str) -> None:
    address = await postgres.new_database(name)
    migrate(address, SERVICES / service / service)
    database = Database(address)
    async with database.transaction() as tx:
        await prepare_days(tx, datetime.now(UTC).date())
    await database.close()


def service_settings(address: str, keys: Keys, kafka: str = "127.0.0.1:1") -> dict[str, Any]:
    """Settings of a service that is served without its lifespan."""
    return {
        "database": address,
        "kafka": kafka,
        "auth_jwks": str(keys.jwks),
        "auth_issuer": ISSUER,
        "auth_audience": AUDIENCE,
        "seal_keys": keys.seal_keys,
    }


def an_address(sealer: Sealer, number: str = "+989121234567") -> SealedAddress:
    """A mobile number that gets SMS."""
    return SealedAddress(phone=sealer.seal(number), phone_lookup=sealer.lookup(number), sms=True)


def a_chat(sealer: Sealer, chat: str = "42", number: str | None = None) -> SealedAddress:
    """A messenger's chat, of somebody whose number is known or not."""
    known = an_address(sealer, number) if number else SealedAddress()
    return known.model_copy(update={"account": sealer.seal(chat), "account_lookup": sealer.lookup(f"telegram:{chat}")})


def a_message(**given: Any) -> MessageReceived:
    """A message from the app."""
    usual: dict[str, Any] = {
        "at": NOW,
        "code": new_code(),
        "channel": Channel.APP,
        "text": "جوی آب گرفته است",
        "topic": "US-GUTTER",
        "place": Place(region=5),
        "occurred_at": NOW,
        "received_at": NOW,
    }
    return MessageReceived(**usual | given)


def an_amendment(code: str, **given: Any) -> MessageAmended:
    """Something that was added to a message by a bot."""
    usual: dict[str, Any] = {"at": NOW, "code": code, "channel": Channel.SOCIAL, "platform": "telegram"}
    return MessageAmended(**usual | {"received_at": NOW} | given)


def a_reply(answer: Answer = Answer.ACCEPTED, **given: Any) -> ReplyReceived:
    """A 31 by SMS."""
    usual: dict[str, Any] = {"at": NOW, "channel": Channel.SOCIAL, "platform": "sms"}
    return ReplyReceived(**usual | {"answer": answer, "occurred_at": NOW, "received_at": NOW} | given)


def a_request(**given: Any) -> NotificationRequested:
    """Something to tell: that a message was registered."""
    usual: dict[str, Any] = {
        "at": NOW,
        "code": new_code(),
        "revision": 1,
        "told": Told.REGISTERED,
        "unit_title": "شهرداری منطقه 5",
        "topic_title": "لایروبی جوی و نهر",
        "channel": Channel.APP,
        "reply_to": SealedAddress(),
    }
    return NotificationRequested(**usual | given)


def an_opening(**given: Any) -> CaseOpened:
    """A case in region 5."""
    usual: dict[str, Any] = {
        "at": NOW,
        "code": new_code(),
        "revision": 1,
        "channel": Channel.APP,
        "kind": Kind.REQUEST,
        "topic": "US-GUTTER",
        "deputy": "urban-services",
        "unit": "region-5",
        "level": "region",
        "region": 5,
        "urgent": False,
        "occurred_at": NOW,
        "received_at": NOW,
        "deadline": NOW,
    }
    return CaseOpened(**usual | given)


def a_move(code: str, revision: int, step: Step, status: Status, **given: Any) -> CaseMoved:
    """A step of a case."""
    usual: dict[str, Any] = {"at": NOW, "code": code, "revision": revision, "step": step, "status": status}
    return CaseMoved(**usual | {"unit": "region-5", "level": "region"} | given)


def an_incident_event(kind: type[AnIncident], incident: UUID, revision: int, **given: Any) -> AnIncident:
    """Something about an incident of snow in region 5."""
    usual: dict[str, Any] = {"at": NOW, "incident": incident, "revision": revision, "family": "US-SNOW"}
    return kind(**usual | {"regions": (5,)} | given)


def a_sending(code: str, **given: Any) -> NotificationSent:
    """An SMS that was handed over."""
    usual: dict[str, Any] = {"at": NOW, "code": code, "notification": uuid7(), "told": Told.REGISTERED}
    return NotificationSent(**usual | {"means": "sms", "parts": 1, "attempts": 1} | given)
