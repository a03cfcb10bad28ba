"""What docs/operations.md tells to watch is what `/metrics` shows."""

import re
from pathlib import Path

from common import telemetry

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
SHOWN = {"counter": "_total", "histogram": "_count", "gauge": ""}  # how the Prometheus exporter ends a name


def test_every_metric_of_the_page_is_shown_under_that_name() -> None:
    made = re.findall(r'create_(\w+)\("(pasokh_\w+)"', Path(telemetry.__file__).read_text(encoding="utf-8"))
    shown = {f"{name}{SHOWN[kind]}" for kind, name in made}
    named = set(re.findall(r"pasokh_\w+", PAGE.read_text(encoding="utf-8")))
    assert named
    assert named <= shown
