"""Alembic's entry for intake."""

from common.migrations import run_migrations
from intake.channels.sms import models as sms
from intake.models import Base

assert sms.SmsPart.metadata is Base.metadata
run_migrations(Base.metadata)
