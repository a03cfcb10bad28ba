"""The ways that a caller can be offered, as the settings have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from common.calendar import ShiftName
from common.sealed import Sealer
from fastapi import Request

from intake.channels.phone.estimate import USUAL_SERVICE_SECONDS
from intake.channels.phone.ivr import OWN_FILE, Menu, read_menu
from intake.channels.phone.scheduling import Working
from intake.settings import Settings


@dataclass(frozen=True, slots=True)
class Ways:
    """From which wait on other ways are offered, and which there are."""

    overflow_seconds: float
    links: Mapping[str, str]  # `bot`, `app` → a pattern with {call}
    working: Working
    pause: timedelta
    lease: timedelta
    keep: timedelta
    sealer: Sealer = field(repr=False)
    menu: Menu = field(default_factory=Menu)

    @classmethod
    def of(cls, settings: Settings, sealer: Sealer) -> Self:
        """What the settings say."""
        operators = {
            ShiftName.MORNING: settings.operators_morning,
            ShiftName.NOON: settings.operators_noon,
            ShiftName.NIGHT: settings.operators_night,
        }
        links = {"bot": settings.bot_link, "app": settings.app_link}
        return cls(
            settings.overflow_seconds,
            {name: pattern for name, pattern in links.items() if pattern},
            Working(
                operators,
                settings.callback_share,
                USUAL_SERVICE_SECONDS,
                settings.callback_opens,
                settings.callback_closes,
            ),
            pause=timedelta(seconds=settings.callback_pause_seconds),
            lease=timedelta(seconds=settings.callback_lease_seconds),
            keep=timedelta(hours=settings.callback_keep_hours),
            sealer=sealer,
            menu=read_menu(settings.ivr_file or OWN_FILE),
        )


def ways_of(request: Request) -> Ways:
    """Those of the service that serves a request."""
    ways: Ways = request.app.state.ways
    return ways
