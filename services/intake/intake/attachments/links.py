"""Signed links: whoever holds one may do one thing with one attachment, until it expires. No token is asked for."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from common.auth import unauthorized
from common.errors import Problem
from common.sealed import Sealer

READ_FOR = timedelta(minutes=15)
WRITE_FOR = timedelta(hours=1)

Use = Literal["attachments", "uploads"]  # read it, or write it once


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links and checks them; the same key in every replica."""

    key: bytes

    @classmethod
    def of(cls, sealer: Sealer) -> "Links":
        """By a key of its own, drawn from the one that all replicas share."""
        return cls(hmac.digest(sealer.lookup_key, b"signed links", "sha256"))

    def make(self, use: Use, attachment: UUID, until: datetime) -> str:
        """`/v1/<use>/<id>?expires=<seconds since 1970>&signature=…`, relative to this service's address."""
        expires = str(int(until.timestamp()))
        return f"/v1/{use}/{attachment}?expires={expires}&signature={self._sign(use, str(attachment), expires)}"

    def check(self, use: Use, attachment: str, *, given: "Given", now: datetime) -> UUID:
        """The attachment that a link names; 401 without a signature, 403 for one of another link, 410 expired."""
        if given.signature is None or given.expires is None:
            raise unauthorized("This address is served by its signed link alone; ask for a fresh one.")
        if not hmac.compare_digest(self._sign(use, attachment, given.expires).encode(), given.signature.encode()):
            raise Problem(403, "This link was changed, or is none of ours; ask for a fresh one.")
        if int(given.expires) <= now.timestamp():
            raise Problem(410, "This link has expired; ask for a fresh one.")
        return UUID(attachment)

    def _sign(self, use: Use, attachment: str, expires: str) -> str:
        """Over the texts as they are written, so that no other way to write them is signed too."""
        text = "\n".join((use, attachment, expires)).encode("utf-8", "surrogatepass")
        return base64.urlsafe_b64encode(hmac.digest(self.key, text, "sha256")).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Given:
    """What the query of a request says."""

    expires: str | None
    signature: str | None
