"""Who is calling: bearer tokens (JWT) checked against a key set, and the roles that a route asks for."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import jwt
import orjson
from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from common.errors import Problem, unavailable

log = logging.getLogger(__name__)

ALGORITHMS = ["EdDSA", "ES256", "RS256"]
KEYS_SECONDS = 300.0  # how long a key set is believed
REFRESH_SECONDS = 10.0  # at most this often for a key id that is not in it
MOST_REMEMBERED = 20_000


class Role(StrEnum):
    """What a caller may be."""

    APP = "app"
    BOT = "bot"
    OPERATOR = "operator"
    STAFF = "staff"
    SUPERVISOR = "supervisor"
    SERVICE = "service"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified claims of a token."""

    subject: str
    roles: frozenset[str]
    unit: str | None = None
    citizen: str | None = None

    @property
    def person(self) -> str:
        """Whose an `Idempotency-Key` is: the same app may speak for many citizens, and each has their own keys."""
        return self.subject if self.citizen in (None, self.subject) else f"{self.subject}\x1f{self.citizen}"

    def has(self, *roles: Role) -> bool:
        """Whether the caller has one of these roles; an admin has each."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)


class Authenticator:
    """Verifies tokens, and remembers each until it expires or the key set changes (a check takes 57-130 µs)."""

    def __init__(self, jwks: str, *, issuer: str, audience: str) -> None:
        self._jwks = jwks
        self._issuer = issuer
        self._audience = audience
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._read_at = -KEYS_SECONDS
        self._verified: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, authorization: str | None) -> Caller:
        """The caller of a request; Problem 401 when its token does not hold."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("Send `Authorization: Bearer <token>`.")
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._verified.get(digest)
        if known and known[1] > time.time() and time.monotonic() - self._read_at < KEYS_SECONDS:
            return known[0]
        caller, expires = await self._verify(token)
        if len(self._verified) >= MOST_REMEMBERED:
            self._verified.clear()
        self._verified[digest] = (caller, expires)
        return caller

    async def _verify(self, token: str) -> tuple[Caller, float]:
        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "sub"]},
            )
            return _caller(claims), float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise unauthorized(f"The token does not hold: {error}") from error

    async def _key(self, key_id: object) -> jwt.PyJWK:
        age = time.monotonic() - self._read_at
        if age > KEYS_SECONDS or (key_id not in self._keys and age > REFRESH_SECONDS):
            await self.read_keys()
        key = self._keys.get(str(key_id))
        if key is None:
            raise ValueError("its key id is not in the key set")
        return key

    async def read_keys(self) -> None:
        """Read the key set; what was verified with the former one is forgotten when it differs."""
        try:
            document = orjson.loads(await self._fetch())
            keys = {str(key.key_id): key for key in jwt.PyJWKSet.from_dict(document).keys}
        except (OSError, httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            log.error("the key set at %s cannot be read: %r", self._jwks, error)
            if not self._keys:
                raise unavailable("The key set that signs tokens cannot be read; try again.") from error
            self._read_at = time.monotonic() - KEYS_SECONDS + REFRESH_SECONDS
            return
        if keys.keys() != self._keys.keys():
            self._verified.clear()
        self._keys = keys
        self._read_at = time.monotonic()

    async def _fetch(self) -> bytes:
        if not self._jwks.startswith(("http://", "https://")):
            return await asyncio.to_thread(Path(self._jwks).read_bytes)
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(self._jwks)
            answer.raise_for_status()
            return answer.content


def _caller(claims: Mapping[str, Any]) -> Caller:
    roles = claims.get("roles")
    if not isinstance(roles, list):
        raise ValueError("claim `roles` must be a list")
    unit, citizen = claims.get("unit"), claims.get("citizen")
    return Caller(str(claims["sub"]), frozenset(map(str, roles)), _text(unit), _text(citizen))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def unauthorized(detail: str) -> Problem:
    """401 with the challenge that RFC 6750 asks for."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


class Require(SecurityBase):
    """A dependency that gives the Caller, or 401 without a good token, or 403 without one of the roles.

    `Annotated[Caller, Depends(Require(Role.STAFF))]`; admins pass everywhere.
    """

    def __init__(self, *roles: Role) -> None:
        self.roles = roles
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> Caller:
        authenticator: Authenticator = request.app.state.authenticator
        caller = await authenticator.caller(request.headers.get("authorization"))
        if self.roles and not caller.has(*self.roles):
            wanted = ", ".join(self.roles)
            raise Problem(
                403, f"This needs one of the roles {wanted}; the token has {', '.join(sorted(caller.roles))}."
            )
        return caller
