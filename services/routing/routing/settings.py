"""Settings of routing, from the environment."""

from common.settings import SealedSettings


class Settings(SealedSettings):
    """Routing has no setting of its own; it opens phone numbers for those who must call."""
