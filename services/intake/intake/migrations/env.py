"""Alembic's entry for intake."""

from common.migrations import run_migrations
from intake.models import Base

run_migrations(Base.metadata)
