"""Settings that every service has, from the environment: PASOKH_DATABASE, PASOKH_KAFKA, …"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """A setting without a default is one without which a service does not start."""

    model_config = SettingsConfigDict(env_prefix="PASOKH_", frozen=True)

    database: str = Field(description="postgresql:// address of this service's own database")
    kafka: str = Field(description="host:port[,host:port] of the brokers")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, description="port to listen on")
    auth_jwks: str = Field(description="file or https:// address of the key set that signs tokens")
    auth_issuer: str = Field(description="`iss` that a token must have")
    auth_audience: str = Field(description="`aud` that a token must have")
    instance: str | None = Field(default=None, description="static Kafka group member id, one per replica")
    otlp: str | None = Field(default=None, description="OTLP/HTTP base address for traces and metrics")
    trace_ratio: float = Field(default=0.1, ge=0, le=1, description="share of requests that are traced")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    database_connections: int = Field(default=8, ge=2, description="most connections to the database")
    batch: int = Field(default=500, ge=1, description="most records of one poll")
    dead_letter_limit: int = Field(default=5000, ge=1, description="dead letters in a row before a consumer stops")


class SealedSettings(ServiceSettings):
    """For services that seal or open personal data."""

    seal_keys: Path = Field(description="file of the keys that seal personal data")
