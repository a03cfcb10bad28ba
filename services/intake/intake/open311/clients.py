"""Who may POST: the api_keys that the city gave out. Only their hashes are kept here."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from common.auth import Caller

from intake.open311.refusals import Refused

_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,39}")


@dataclass(frozen=True)
class Clients:
    """The SHA-256 of each client's api_key, by the client's name."""

    hashes: Mapping[str, str]

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read `{"name": "SHA-256 of its api_key, in hex"}`; ValueError says what is wrong with it."""
        document = json.loads(path.read_text()) if path else {}
        if not isinstance(document, dict):
            raise ValueError(f"{path}: must be an object of names and hashes")
        for name, digest in document.items():
            if not _NAME.fullmatch(name) or not isinstance(digest, str) or not _HASH.fullmatch(digest):
                raise ValueError(f"{path}: {name!r} must be a short name with the SHA-256 of an api_key in hex")
        return cls(document)

    def caller(self, api_key: str | None) -> Caller:
        """Whose key it is; Refused 403 without a good one. Every key is compared, however early one fits."""
        if not api_key:
            raise Refused(403, ["api_key is missing; the discovery document says where to get one."])
        digest = hashlib.sha256(api_key.encode("utf-8", "replace")).hexdigest()
        names = [name for name, own in self.hashes.items() if hmac.compare_digest(own, digest)]
        if not names:
            raise Refused(403, ["api_key is not one that we gave."])
        return Caller(f"open311:{names[0]}", frozenset())
