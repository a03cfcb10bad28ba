"""Tables of the conversations."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.models import Base


class Conversation(Base):
    """A citizen's chat with us: the account, and what was said and is not yet a message, are ciphertext."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("conversations_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("conversations_heard_at", "heard_at"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)  # keyed hash of platform and account
    platform: Mapped[str]
    account: Mapped[str]
    heard_at: Mapped[datetime]  # when the citizen last wrote; some platforms let one answer for 24 h from then
    state: Mapped[str | None]
    due_at: Mapped[datetime | None]  # when the open question's time is up
    last_code: Mapped[str | None]  # of the last message
