"""Alembic's entry for routing."""

from common.migrations import run_migrations
from routing.models import Base

run_migrations(Base.metadata)
