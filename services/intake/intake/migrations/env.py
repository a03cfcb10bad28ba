"""Alembic's entry for intake."""

import intake.channels.sms.models
import intake.conversation.models
import intake.inspection  # noqa: F401  # tables of folders of their own
from common.migrations import run_migrations
from intake.attachments.models import Attachment as Attachment  # its table belongs to the metadata
from intake.models import Base

run_migrations(Base.metadata)
