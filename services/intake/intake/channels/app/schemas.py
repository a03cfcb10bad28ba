"""What the Tehran Man app sends."""

from intake.schemas import MessageIn


class AppMessage(MessageIn):
    """A message from the Tehran Man app."""
