"""Who may see and touch which case: staff their own unit's, supervisors and operators all."""

from typing import Annotated

from common.app import service_of
from common.auth import Caller, Require, Role
from common.db import Transaction
from common.errors import Problem
from common.persian import mask_phone
from common.sealed import Sealer
from fastapi import Depends, Path, Request

from routing.city import City
from routing.decide import Decider
from routing.models import Case
from routing.rulebook import Rulebook

Reader = Annotated[Caller, Depends(Require(Role.STAFF, Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE))]
Worker = Annotated[Caller, Depends(Require(Role.STAFF, Role.SUPERVISOR))]
Operator = Annotated[Caller, Depends(Require(Role.OPERATOR, Role.SUPERVISOR))]
Talker = Annotated[Caller, Depends(Require(Role.STAFF, Role.OPERATOR, Role.SUPERVISOR))]
Anyone = Annotated[Caller, Depends(Require())]
Code = Annotated[str, Path(pattern=r"^\d{10}$", examples=["1234567897"])]


async def _city_of(request: Request) -> City:
    city: City = request.app.state.city
    return city


async def _decider_of(request: Request) -> Decider:
    decider: Decider = request.app.state.decider
    return decider


async def _rulebook_of(request: Request) -> Rulebook:
    rulebook: Rulebook = request.app.state.rulebook
    return rulebook


async def _sealer_of(request: Request) -> Sealer:
    return service_of(request).sealer


CityOf = Annotated[City, Depends(_city_of)]
DeciderOf = Annotated[Decider, Depends(_decider_of)]
RulebookOf = Annotated[Rulebook, Depends(_rulebook_of)]
SealerOf = Annotated[Sealer, Depends(_sealer_of)]


def units_of(caller: Caller, city: City) -> frozenset[str] | None:
    """The units whose cases a caller may see; None is all of them."""
    if caller.has(Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE):
        return None
    return city.below.get(caller.unit or "", frozenset())


async def find_case(code: str, caller: Caller, city: City, tx: Transaction, *, lock: bool = False) -> Case:
    """A case that the caller may know of; Problem 404 otherwise."""
    case = await tx.session.get(Case, code, with_for_update=lock or None)
    units = units_of(caller, city)
    if case is None or (units is not None and units.isdisjoint((case.unit, case.escalated_to or ""))):
        raise Problem(404, "No case has this code, or it is another unit's.")
    return case


def phone_for(caller: Caller, sealed: str | None, sealer: Sealer) -> str | None:
    """The number, whole for those who must call, masked for others."""
    number = sealer.readable(sealed)
    if number is None:
        return None
    return number if caller.has(Role.STAFF, Role.OPERATOR, Role.SUPERVISOR) else mask_phone(number)


def name_for(caller: Caller, sealed: str | None, sealer: Sealer) -> str | None:
    """The name, for those who must call."""
    return sealer.readable(sealed) if caller.has(Role.STAFF, Role.OPERATOR, Role.SUPERVISOR) else None
