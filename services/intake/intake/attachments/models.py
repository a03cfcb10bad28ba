"""The table of attachments."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.models import Base


class State(StrEnum):
    """Where an attachment stands."""

    WAITING = "waiting"  # for its bytes: to be fetched, or to be uploaded
    STORED = "stored"
    REFUSED = "refused"  # never served; the row says why
    GONE = "gone"  # its platform did not give it within a day
    LEAVING = "leaving"  # uploaded, tied to no message within a day, its bytes are being deleted


class Attachment(Base):
    """A file that came with a message, or that the app uploaded for one (`code` is null until it is sent)."""

    __tablename__ = "attachments"
    __table_args__ = (
        Index("attachments_code", "code", "position", unique=True),
        Index("attachments_due", "next_try_at", postgresql_where=text("state = 'waiting' AND reference IS NOT NULL")),
        Index("attachments_untied", "created_at", postgresql_where=text("code IS NULL")),
        Index("attachments_sha256", "sha256"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str | None]
    position: Mapped[int | None]  # 0-4, in the order in which they came
    platform: Mapped[str]
    owner: Mapped[str | None]  # of an upload: keyed hash of the citizen
    kind: Mapped[str]
    reference: Mapped[str | None]  # ciphertext: the platform's id, or an https address
    state: Mapped[str]
    reason: Mapped[str | None]
    sha256: Mapped[str | None]  # of what is stored, hex; its name in the storage
    media_type: Mapped[str | None]  # by content; of an upload, until it is there, what was announced
    size: Mapped[int | None]  # bytes
    lat: Mapped[float | None]  # hints that the file itself held: degrees, WGS 84
    lon: Mapped[float | None]
    taken_at: Mapped[datetime | None]
    tries: Mapped[int]
    next_try_at: Mapped[datetime]
    created_at: Mapped[datetime]
