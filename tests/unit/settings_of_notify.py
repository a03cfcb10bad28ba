"""Settings of notify that a test does not care about."""

from typing import Any

from notify.settings import Settings


def settings(**given: Any) -> Settings:
    """As from an environment that names nothing else."""
    usual: dict[str, Any] = {"database": "postgresql:///n", "kafka": "k:1", "auth_jwks": "j", "auth_issuer": "i"}
    usual |= {"auth_audience": "a", "seal_keys": "s", "gateway_url": "http://g", "gateway_key": "k"}
    usual |= {"gateway_sender": "1", "receipt_secret": "r" * 16}
    return Settings(**usual | given)
