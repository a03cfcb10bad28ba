"""Alembic's entry for intake."""

import intake.attachments.models
import intake.channels.phone.models
import intake.channels.phone.overflow_models
import intake.channels.sms.models
import intake.conversation.models
import intake.inspection  # noqa: F401  # tables of folders of their own
from common.migrations import run_migrations
from intake.models import Base

run_migrations(Base.metadata)
