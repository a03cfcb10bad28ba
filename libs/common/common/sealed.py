"""Personal data at rest and in events: AES-256-GCM with key ids, and a keyed hash by which a number is found.

A sealed text is `<key id>:<base64 of 12-byte nonce, ciphertext and tag>`. Keys are rotated by adding one and
naming it `current`; texts under the older keys still open.
"""

import base64
import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class SealError(Exception):
    """A sealed text that does not open: unknown key, or not what we sealed."""


def new_keys() -> str:
    """A fresh key document, as PASOKH_SEAL_KEYS names one; for development and for a first start."""
    fresh = [base64.b64encode(os.urandom(32)).decode() for _ in range(2)]
    return json.dumps({"current": "k1", "keys": {"k1": fresh[0]}, "lookup": fresh[1]})


@dataclass(frozen=True)
class Sealer:
    """Seals and opens personal data; `lookup` never opens again."""

    current: str
    ciphers: dict[str, AESGCM] = field(repr=False)
    lookup_key: bytes = field(repr=False)

    @classmethod
    def from_file(cls, path: Path) -> "Sealer":
        """Read `{"current": id, "keys": {id: base64 of 32 bytes}, "lookup": base64 of 32 bytes}`."""
        try:
            document = json.loads(path.read_text())
            ciphers = {name: AESGCM(base64.b64decode(key)) for name, key in document["keys"].items()}
            lookup = base64.b64decode(document["lookup"])
            current = document["current"]
        except (OSError, ValueError, KeyError) as error:
            raise SealError(f"PASOKH_SEAL_KEYS={path} holds no usable keys: {error!r}") from error
        if current not in ciphers or len(lookup) < 32:
            raise SealError(f"PASOKH_SEAL_KEYS={path}: `current` must name a key and `lookup` be 32 bytes")
        return cls(current, ciphers, lookup)

    def seal(self, text: str) -> str:
        """Ciphertext of a text, under the current key."""
        nonce = os.urandom(_NONCE)
        box = self.ciphers[self.current].encrypt(nonce, text.encode(), None)
        return f"{self.current}:{base64.b64encode(nonce + box).decode()}"

    def open(self, sealed: str) -> str:
        """The text again; SealError when the key is unknown or the text was changed."""
        name, _, body = sealed.partition(":")
        if name not in self.ciphers:
            raise SealError(f"no key {name!r} to open this with; add it to PASOKH_SEAL_KEYS")
        try:
            box = base64.b64decode(body, validate=True)
            return self.ciphers[name].decrypt(box[:_NONCE], box[_NONCE:], None).decode()
        except (ValueError, InvalidTag) as error:
            raise SealError("sealed text was changed or cut") from error

    def readable(self, sealed: str | None) -> str | None:
        """The text, or None where there is none or its key is lost; for those who only show it."""
        try:
            return self.open(sealed) if sealed else None
        except SealError:
            return None

    def lookup(self, text: str) -> str:
        """HMAC-SHA-256 of a text, in hex: the same number always gives the same."""
        return hmac.digest(self.lookup_key, text.encode(), "sha256").hex()
