"""Alembic's entry for intake."""

import intake.channels.phone.models  # its tables
import intake.channels.phone.overflow_models  # noqa: F401  # its tables
from common.migrations import run_migrations
from intake.models import Base

run_migrations(Base.metadata)
