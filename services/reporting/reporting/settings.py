"""Settings of reporting, from the environment."""

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Reporting has no setting of its own, and no key: it holds no personal data."""
