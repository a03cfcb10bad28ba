"""Development keys, made at the first start: the key pair that signs tokens, the keys that seal personal data."""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from pathlib import Path

import jwt
from common.auth import Role
from common.sealed import new_keys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ISSUER = "pasokh-workbench"
AUDIENCE = "pasokh"
_KEY_ID = "workbench-1"


class Keys:
    """The keys in one folder; readable by their owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jwks = folder / "jwks.json"
        self.seal_keys = folder / "seal.json"
        self._signing = folder / "signing.pem"
        self._receipts = folder / "receipts"
        self._platforms = folder / "platforms"
        self.service_token = folder / "service.token"  # by which one service asks another

    def make(self) -> None:
        """Make what is missing."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._signing.exists():
            pair = Ed25519PrivateKey.generate()
            public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(pair.public_key()))
            _write(self.jwks, json.dumps({"keys": [public | {"kid": _KEY_ID, "alg": "EdDSA", "use": "sig"}]}))
            _write(self._signing, _pem(pair))
        if not self.seal_keys.exists():
            _write(self.seal_keys, new_keys())
        if not self._receipts.exists():
            _write(self._receipts, secrets.token_urlsafe(24))
        if not self._platforms.exists():
            _write(self._platforms, secrets.token_urlsafe(24))
        _write(self.service_token, self.token("service", hours=24 * 365))

    @property
    def receipt_secret(self) -> str:
        """What the SMS provider must know to send receipts."""
        return self._receipts.read_text()

    @property
    def platform_secret(self) -> str:
        """What messengers must know to post to intake, and the word after `137:` in our bots' tokens."""
        return self._platforms.read_text()

    @property
    def webhook_secret(self) -> str:
        """What the app's server verifies by: `whsec_` and base64."""
        return f"whsec_{base64.b64encode(hashlib.sha256(self.platform_secret.encode()).digest()).decode()}"

    def token(self, role: str, *, unit: str | None = None, citizen: str | None = None, hours: float = 12) -> str:
        """A token for a role; ValueError for one that does not exist."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": unit or citizen or f"{role}-1",
            "roles": [Role(role).value],
            "iat": now,
            "exp": now + int(hours * 3600),
        }
        claims |= {name: value for name, value in (("unit", unit), ("citizen", citizen)) if value}
        key = serialization.load_pem_private_key(self._signing.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": _KEY_ID})


def _pem(pair: Ed25519PrivateKey) -> str:
    return pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def main() -> None:
    """`python -m workbench.keys FOLDER` makes keys; with a role it prints a token."""
    folder, *roles = sys.argv[1:]
    keys = Keys(Path(folder))
    keys.make()
    for role in roles:
        print(keys.token(role, hours=24 * 365))


if __name__ == "__main__":
    main()
