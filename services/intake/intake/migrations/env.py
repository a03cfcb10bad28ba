"""Alembic's entry for intake."""

from common.migrations import run_migrations
from intake.attachments.models import Attachment as Attachment  # its table belongs to the metadata
from intake.models import Base

run_migrations(Base.metadata)
