"""Whether Meta itself sent this: the handshake when a webhook is set, and the signature of every body."""

import hmac
from collections.abc import Sequence

from common.auth import unauthorized
from common.errors import Problem

PREFIX = "sha256="


def challenge(mode: str, token: str, asked: str, *, verify_token: str | None) -> str:
    """What to answer the handshake with; Problem 401 without a token, 403 with a wrong one."""
    if not token:
        raise unauthorized("Send `hub.mode`, `hub.verify_token` and `hub.challenge`.")
    holds = verify_token is not None and hmac.compare_digest(_bytes(token), _bytes(verify_token))
    if mode != "subscribe" or not holds:
        raise Problem(403, "The verify token does not hold.")
    return asked


def verify(body: bytes, header: str | None, app_secrets: Sequence[str]) -> None:
    """Problem 401 without `X-Hub-Signature-256`, 403 when it is of none of the app's secrets."""
    if not header:
        raise unauthorized("Send `X-Hub-Signature-256`.")
    given = _bytes(header.removeprefix(PREFIX).lower())
    good = [hmac.compare_digest(given, signature(body, secret).encode()) for secret in app_secrets]
    if not any(good):
        raise Problem(403, "The signature does not hold.")


def signature(body: bytes, secret: str) -> str:
    """HMAC-SHA-256 of the raw body, in hex."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
