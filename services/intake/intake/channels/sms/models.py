"""Tables of the SMS channel."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.models import Base


class SmsPart(Base):
    """A text that may be a part of a longer one, until nothing more is waited for; kept two days."""

    __tablename__ = "sms_parts"
    __table_args__ = (
        Index("sms_parts_waiting", "sender", postgresql_where=text("heard_at IS NULL")),
        Index("sms_parts_received_at", "received_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # the provider's
    sender: Mapped[str]  # keyed hash of the number
    number: Mapped[str]  # sealed
    text: Mapped[str]  # as it came: where it ends says whether it fills a part
    received_at: Mapped[datetime]
    first: Mapped[str | None]  # id of the message's first part, once nothing more is waited for
    heard_at: Mapped[datetime | None]
