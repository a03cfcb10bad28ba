"""Alembic's entry for notify."""

from common.migrations import run_migrations
from notify.models import Base

run_migrations(Base.metadata)
