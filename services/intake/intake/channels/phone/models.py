"""Tables of the phone channel beside the calls themselves."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from intake.models import Base


class QueueAgent(Base):
    """What an agent of a queue does; the last word by the exchange's time counts."""

    __tablename__ = "queue_agents"

    queue: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    at: Mapped[datetime]
